package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

func TestSchemaHasEveryKey(t *testing.T) {
	text := string(Schema())
	for _, typ := range []reflect.Type{
		reflect.TypeFor[File](), reflect.TypeFor[SystemSpec](), reflect.TypeFor[DatacenterSpec](), reflect.TypeFor[DNSSpec](), reflect.TypeFor[LatencySpec](), reflect.TypeFor[StoreSpec](), reflect.TypeFor[WebSpec](), reflect.TypeFor[VisitorGroup](), reflect.TypeFor[answerArgs](), reflect.TypeFor[hardenArgs](), reflect.TypeFor[diskArgs](), reflect.TypeFor[clockArgs](), reflect.TypeFor[Group](),
		reflect.TypeFor[MilestoneSpec](), reflect.TypeFor[SeenSpec](), reflect.TypeFor[Variant](), reflect.TypeFor[stepKeys](), reflect.TypeFor[linkArgs](), reflect.TypeFor[dropArgs](), reflect.TypeFor[expectArgs](), reflect.TypeFor[failArgs](),
	} {
		require.NotEmpty(t, fields(typ))
		for _, f := range fields(typ) {
			require.Contains(t, text, fmt.Sprintf("%q: {", f.key))
			require.NotEmpty(t, f.doc, "%v %s", typ, f.key)
			doc, err := json.Marshal(f.doc)
			require.NoError(t, err)
			require.Contains(t, text, string(doc))
		}
	}
	for _, f := range Faults() {
		require.Contains(t, text, fmt.Sprintf("%q: {", f.Name))
	}
	for _, p := range Properties() {
		require.Contains(t, text, fmt.Sprintf("%q: {", p.Name))
	}
}

func TestSchemaAcceptsTheShippedScenarios(t *testing.T) {
	files, err := filepath.Glob("../../scenarios/*.yaml")
	require.NoError(t, err)
	for _, name := range append(files, "testdata/flood.yaml") {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, validate(t, data), name)
	}
}

func TestSchemaRefusesWhatParseRefuses(t *testing.T) {
	for _, tail := range []string{
		"cutquiet: true\n", "ends: soon\n", "timeline: [{at: 1m}]\n", "timeline: [{at: 1m, kill: a, pause: a}]\n", "timeline: [{at: 1m, drop: {share: half}}]\n", "timeline: [{at: 1m, redis: asleep}]\n",
		"expect: [dead-aire]\n", "expect: [health-honest]\n", "expect: [{single-writer: {within: 1m}}]\n", "variants: {a: {verdict: passes}}\n", "resolvers: onest\n", "system: {preset: two}\n", "system: {dns: {latency: [{from: Rom, to: eu-west, ms: 3}]}}\n",
		"timeline: [{at: 1m, dns: {zone: a, answer: no}}]\n", "system: {dns: {tll: 1s}}\n",
	} {
		_, err := Parse("x.yaml", []byte(minimal+tail))
		require.Error(t, err, tail)
		require.Error(t, validate(t, []byte(minimal+tail)), tail)
	}
	for _, who := range []string{"from: Rom, persona: butt", "from: Rome, persona: but", "from: Rome, persona: butt, plan: gold", "from: Rome, persona: butt, resolver-in: Rom"} {
		text := strings.Replace(minimal, "from: Rome, count: 2, persona: butt", who, 1)
		_, err := Parse("x.yaml", []byte(text))
		require.Error(t, err, who)
		require.Error(t, validate(t, []byte(text)), who)
	}
	require.NoError(t, validate(t, []byte(minimal)))
}

// validate checks a YAML text against the schema, as far as the schema's own words go.
func validate(t *testing.T, data []byte) error {
	var schema, doc any
	require.NoError(t, json.Unmarshal(Schema(), &schema))
	require.NoError(t, yaml.Unmarshal(data, &doc))
	plain, err := json.Marshal(doc)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(plain, &doc))
	return fits(schema.(object), doc, "$")
}

func fits(s object, v any, at string) error {
	for word, arg := range s {
		if err := keyword(s, word, arg, v, at); err != nil {
			return err
		}
	}
	return nil
}

// keyword judges one word of the schema; every object of it says additionalProperties.
func keyword(s object, word string, arg, v any, at string) error {
	bad := fmt.Errorf("%s: %v is not as %s %v", at, v, word, arg)
	m, isMap := v.(map[string]any)
	list, isList := v.([]any)
	switch word {
	case "$schema", "title", "description", "properties":
	case "type":
		types, many := arg.([]any)
		if !many {
			types = []any{arg}
		}
		if !slices.Contains(types, any(kindOf(v))) && !(kindOf(v) == "integer" && slices.Contains(types, any("number"))) {
			return bad
		}
	case "const":
		if v != arg {
			return bad
		}
	case "enum":
		if !slices.Contains(arg.([]any), v) {
			return bad
		}
	case "pattern":
		if text, ok := v.(string); ok && !regexp.MustCompile(arg.(string)).MatchString(text) {
			return bad
		}
	case "minimum":
		if n, ok := v.(float64); ok && n < arg.(float64) {
			return bad
		}
	case "minItems":
		if isList && float64(len(list)) < arg.(float64) {
			return bad
		}
	case "minProperties":
		if isMap && float64(len(m)) < arg.(float64) {
			return bad
		}
	case "maxProperties":
		if isMap && float64(len(m)) > arg.(float64) {
			return bad
		}
	case "required":
		for _, key := range arg.([]any) {
			if _, ok := m[key.(string)]; isMap && !ok {
				return bad
			}
		}
	case "items":
		for i, e := range list {
			if err := fits(arg.(object), e, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case "additionalProperties":
		return propertiesFit(s, m, at)
	case "anyOf", "oneOf":
		hits := 0
		for _, one := range arg.([]any) {
			if fits(one.(object), v, at) == nil {
				hits++
			}
		}
		if hits == 0 || word == "oneOf" && hits > 1 {
			return bad
		}
	default:
		return fmt.Errorf("%s: the test does not know the word %q of the schema", at, word)
	}
	return nil
}

func propertiesFit(s object, m map[string]any, at string) error {
	props, _ := s["properties"].(object)
	for key, v := range m {
		one, known := props[key].(object)
		if !known {
			one, known = s["additionalProperties"].(object)
		}
		if !known {
			return fmt.Errorf("%s: unknown key %s", at, key)
		}
		if err := fits(one, v, at+"."+key); err != nil {
			return err
		}
	}
	return nil
}

func kindOf(v any) string {
	switch v := v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	default:
		return "null"
	}
}
