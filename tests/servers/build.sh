#!/usr/bin/env bash
# Builds the real servers of the end-to-end tier that are not built yet, and prints the folder they lie in.
#
#   RAMEN_E2E_SERVERS=$(tests/servers/build.sh)
#
# The folder is named after a hash of everything that decides what is built, so that the second run builds nothing and a
# changed pin builds anew. Where KUBEBUILDER_ASSETS (envtest's convention) holds etcd and kube-apiserver, those are used.
# Standard output carries the folder alone; progress goes to standard error.
set -euo pipefail
cd "$(dirname "$0")"

digest() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c1-16; }
key=$(cat go.mod go.sum tools.go */main.go build.sh | digest)
folder="${RAMEN_E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ramen-e2e}/$key"

say() { printf 'e2e servers: %s\n' "$*" >&2; }

missing=()
for program in etcd kube-apiserver versitygw; do
  [[ -x "$folder/$program" ]] && continue
  # envtest's assets hold no S3 server.
  [[ $program != versitygw && -n "${KUBEBUILDER_ASSETS:-}" && -x "$KUBEBUILDER_ASSETS/$program" ]] && continue
  missing+=("$program")
done
mkdir -p "$folder"
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "$folder"
  exit 0
fi

wanted=$(sed -n 's/^go \([0-9.]*\)$/\1/p' go.mod)
if ! command -v go >/dev/null; then
  say "Go is not installed, and ${missing[*]} must be built with it: install Go $wanted or newer (https://go.dev/dl)," \
    "or set KUBEBUILDER_ASSETS to a folder that holds etcd and kube-apiserver."
  exit 1
fi

build() {
  local program=$1 package=./$1 flags="-s -w" kubernetes
  case $program in
    versitygw) package=github.com/versity/versitygw/cmd/versitygw ;;
    kube-apiserver)
      # Without these the server calls itself v0.0.0-master and clients that look at the version are misled.
      kubernetes=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
      flags+=" -X k8s.io/component-base/version.gitVersion=$kubernetes"
      flags+=" -X k8s.io/component-base/version.gitMajor=$(cut -d. -f1 <<<"${kubernetes#v}")"
      flags+=" -X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<<"$kubernetes")"
      ;;
  esac
  CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -trimpath -ldflags "$flags" -o "$folder/.$program.$$" "$package"
  # A renamed file appears whole: an interrupted build leaves nothing that a later run would take for a server.
  mv "$folder/.$program.$$" "$folder/$program"
}

log=$(mktemp)
builder=""
trap '[[ -z $builder ]] || kill "$builder" 2>/dev/null || true; rm -f "$log" "$folder"/.*."$$"' EXIT
count=0
for program in "${missing[@]}"; do
  count=$((count + 1))
  started=$SECONDS
  say "[$count/${#missing[@]}] building $program (minutes when the Go cache is cold)"
  build "$program" >"$log" 2>&1 &
  builder=$!
  next=$((SECONDS + 15))
  while kill -0 "$builder" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS >= next)); then
      say "[$count/${#missing[@]}] $program: $((SECONDS - started)) s"
      next=$((SECONDS + 15))
    fi
  done
  if ! wait "$builder"; then
    builder=""
    say "$program does not build:"
    tail -n 40 "$log" >&2
    exit 1
  fi
  builder=""
  say "[$count/${#missing[@]}] $program built in $((SECONDS - started)) s"
done
echo "$folder"
