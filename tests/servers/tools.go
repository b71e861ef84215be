//go:build tools

// Package servers pins, through the imports below, the programs that `make e2e` builds beside the ones whose main lies here.
package servers

import _ "github.com/versity/versitygw/cmd/versitygw"
