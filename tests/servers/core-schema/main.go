// Command core-schema writes ramen-sim/data/core-kinds.json: what the OpenAPI documents of a real kube-apiserver, and the Go
// types behind them, say about the core kinds that the simulator serves. Facts only: descriptions are left out.
//
//	core-schema -openapi DIR >ramen-sim/data/core-kinds.json
//
// DIR holds the documents of /openapi/v3/... of the server, one JSON file per group and version, under any name.
//
// Beyond OpenAPI, each property says how Go encodes it, since a server decodes every core object into a Go type and encodes it
// again: "x-go": "omitempty" (dropped when empty) or absent (dropped when null), and "x-zero", the value written when it is unset.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

var kinds = []string{
	"v1/Namespace", "v1/PersistentVolume", "v1/PersistentVolumeClaim", "v1/Pod", "v1/Secret", "v1/ConfigMap", "v1/Event",
	"v1/ServiceAccount", "v1/Node", "v1/Service", "v1/Endpoints", "events.k8s.io/v1/Event", "coordination.k8s.io/v1/Lease",
	"storage.k8s.io/v1/StorageClass", "storage.k8s.io/v1/VolumeAttachment", "storage.k8s.io/v1/CSIDriver", "storage.k8s.io/v1/CSINode",
	"storage.k8s.io/v1/VolumeAttributesClass", "apps/v1/Deployment", "apps/v1/StatefulSet", "apps/v1/DaemonSet", "apps/v1/ReplicaSet",
	"batch/v1/Job", "rbac.authorization.k8s.io/v1/Role", "rbac.authorization.k8s.io/v1/RoleBinding",
	"rbac.authorization.k8s.io/v1/ClusterRole", "rbac.authorization.k8s.io/v1/ClusterRoleBinding",
	"apiextensions.k8s.io/v1/CustomResourceDefinition",
}

// kept are the schema keywords that state facts a server acts upon.
var kept = map[string]bool{
	"type": true, "format": true, "required": true, "default": true, "enum": true, "nullable": true, "oneOf": true,
	"x-kubernetes-list-type": true, "x-kubernetes-list-map-keys": true, "x-kubernetes-map-type": true,
	"x-kubernetes-patch-strategy": true, "x-kubernetes-patch-merge-key": true, "x-kubernetes-preserve-unknown-fields": true,
	"x-kubernetes-int-or-string": true, "x-kubernetes-embedded-resource": true,
}

type object = map[string]any

type table struct {
	source, result object
}

func main() {
	dir := flag.String("openapi", "", "folder with the server's OpenAPI v3 documents")
	flag.Parse()
	if err := apiextensions.AddToScheme(scheme.Scheme); err != nil {
		log.Fatal(err)
	}
	t := table{source: object{}, result: object{}}
	files, err := filepath.Glob(filepath.Join(*dir, "*.json"))
	if err != nil || len(files) == 0 {
		log.Fatalf("no OpenAPI documents in %q: fetch them with kubectl get --raw /openapi/v3/api/v1 (%v)", *dir, err)
	}
	for _, file := range files {
		t.load(file)
	}
	roots := object{}
	for _, kind := range kinds {
		roots[kind] = t.root(kind)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object{"kinds": roots, "definitions": t.result}); err != nil {
		log.Fatal(err)
	}
}

func (t *table) load(file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	var document struct {
		Components struct{ Schemas object }
	}
	if err := json.Unmarshal(data, &document); err != nil {
		log.Fatalf("%s: %v", file, err)
	}
	for name, definition := range document.Components.Schemas {
		t.source[name] = definition
	}
}

func (t *table) root(kind string) string {
	gvk := schema.FromAPIVersionAndKind(kind[:strings.LastIndex(kind, "/")], kind[strings.LastIndex(kind, "/")+1:])
	for _, name := range sorted(t.source) {
		gvks, _ := t.source[name].(object)["x-kubernetes-group-version-kind"].([]any)
		for _, item := range gvks {
			got := item.(object)
			if got["group"] == gvk.Group && got["version"] == gvk.Version && got["kind"] == gvk.Kind && len(gvks) == 1 {
				typed, err := scheme.Scheme.New(gvk)
				if err != nil {
					log.Fatal(err)
				}
				t.define(name, reflect.TypeOf(typed).Elem())
				return name
			}
		}
	}
	log.Fatalf("%s is not in the OpenAPI documents", kind)
	return ""
}

func (t *table) define(name string, typ reflect.Type) {
	if _, done := t.result[name]; done {
		return
	}
	source, found := t.source[name].(object)
	if !found {
		log.Fatalf("definition %s is missing", name)
	}
	t.result[name] = object{} // ends recursion
	t.result[name] = t.prune(source, typ)
}

// prune keeps the facts of a schema and adds those of the Go type, which is nil where there is none to speak of.
func (t *table) prune(source object, typ reflect.Type) object {
	for typ != nil && typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	out := object{}
	for key, value := range source {
		if kept[key] {
			out[key] = value
		}
	}
	reference, _ := source["$ref"].(string)
	if all, ok := source["allOf"].([]any); ok && len(all) == 1 {
		reference, _ = all[0].(object)["$ref"].(string)
	}
	if reference != "" {
		name := reference[strings.LastIndex(reference, "/")+1:]
		out["$ref"] = name
		t.define(name, typ)
	}
	if properties, ok := source["properties"].(object); ok {
		fields := map[string]reflect.StructField{}
		collect(typ, fields)
		pruned := object{}
		for name, property := range properties {
			pruned[name] = t.property(property.(object), fields, name)
		}
		out["properties"] = pruned
	}
	if items, ok := source["items"].(object); ok {
		out["items"] = t.prune(items, element(typ))
	}
	switch additional := source["additionalProperties"].(type) {
	case object:
		out["additionalProperties"] = t.prune(additional, element(typ))
	case bool:
		out["additionalProperties"] = additional
	}
	return out
}

func (t *table) property(source object, fields map[string]reflect.StructField, name string) object {
	field, known := fields[name]
	if !known {
		return t.prune(source, nil)
	}
	out := t.prune(source, field.Type)
	options := strings.Split(field.Tag.Get("json"), ",")[1:]
	omitEmpty, omitZero := contains(options, "omitempty"), contains(options, "omitzero")
	switch {
	case field.Type.Kind() == reflect.Struct && !omitZero, field.Type.Kind() != reflect.Struct && !omitEmpty && !omitZero:
		zero, err := json.Marshal(reflect.Zero(field.Type).Interface())
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		out["x-zero"] = json.RawMessage(zero)
	case field.Type.Kind() != reflect.Pointer && field.Type.Kind() != reflect.Struct:
		out["x-go"] = "omitempty"
	}
	return out
}

// collect gathers the fields of a struct by their JSON names, embedded structs included.
func collect(typ reflect.Type, fields map[string]reflect.StructField) {
	for typ != nil && typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ == nil || typ.Kind() != reflect.Struct {
		return
	}
	for i := range typ.NumField() {
		field := typ.Field(i)
		name := strings.Split(field.Tag.Get("json"), ",")[0]
		if field.Anonymous && name == "" {
			collect(field.Type, fields)
		} else if name != "" && name != "-" {
			fields[name] = field
		}
	}
}

func element(typ reflect.Type) reflect.Type {
	if typ == nil {
		return nil
	}
	switch typ.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return typ.Elem()
	default:
		return nil
	}
}

func contains(list []string, item string) bool {
	for _, have := range list {
		if have == item {
			return true
		}
	}
	return false
}

func sorted(m object) []string {
	names := []string{}
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
