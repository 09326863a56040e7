package scenario

import (
	"encoding/json"
	"reflect"
	"slices"
)

// object is a piece of JSON Schema.
type object = map[string]any

// Schema is the JSON Schema (2020-12) of a scenario file, indented. It is made
// from the same structs and tables that Parse reads with.
func Schema() []byte {
	s := structSchema(reflect.TypeFor[File]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Dead Air scenario"
	s["properties"].(object)["schema"] = object{"const": 1, "description": "the form's version: 1"}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // only maps of text, numbers and lists are in it
	}
	return append(data, '\n')
}

// spelled is a type with a spelling of its own in the schema.
type spelled interface{ schema() object }

func typeSchema(t reflect.Type) object {
	if own, ok := reflect.New(t).Interface().(spelled); ok {
		return own.schema()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeSchema(t.Elem())
	case reflect.Struct:
		return structSchema(t)
	case reflect.Slice:
		return object{"type": "array", "items": typeSchema(t.Elem())}
	case reflect.Int:
		return object{"type": "integer", "minimum": 0}
	case reflect.Bool:
		return object{"type": "boolean"}
	default:
		return object{"type": "string"}
	}
}

func structSchema(t reflect.Type) object {
	props := object{}
	var needed []string
	for _, f := range fields(t) {
		s := typeSchema(t.Field(f.index).Type)
		if f.words != nil {
			s = object{"enum": f.words}
		}
		s["description"] = f.doc
		props[f.key] = s
		if f.needed {
			needed = append(needed, f.key)
		}
	}
	s := object{"type": "object", "properties": props, "additionalProperties": false}
	if needed != nil {
		s["required"] = needed
	}
	return s
}

func pattern(p string) object { return object{"type": "string", "pattern": p} }

const spanPattern = `([0-9.]+(ns|us|µs|ms|s|m|h))+`

func (*Duration) schema() object { return pattern("^(0|" + spanPattern + ")$") }
func (*Instant) schema() object {
	return pattern("^(0|" + spanPattern + "|[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z)$")
}
func (*Name) schema() object { return object{"type": []string{"string", "number", "boolean"}} }
func (*Names) schema() object {
	name := (*Name)(nil).schema()
	return object{"anyOf": []object{name, {"type": "array", "items": name, "minItems": 1}}}
}
func (*Share) schema() object   { return pattern("^[0-9]{1,3}%$") }
func (*Bitrate) schema() object { return object{"enum": []string{"8k", "128k"}} }
func (*Rate) schema() object    { return object{"type": []string{"integer", "string"}} }
func (*ResolverKind) schema() object {
	return pattern("^(honest|pinned|stale|clamp:" + spanPattern + ")$")
}
func (*Settings) schema() object {
	return object{"type": "object", "additionalProperties": object{"type": []string{"string", "number", "boolean"}}}
}

func (r *Resolvers) schema() object {
	one := (*ResolverKind)(nil).schema()
	return object{"anyOf": []object{one, {"type": "object", "additionalProperties": one}}}
}

func (v *Variants) schema() object {
	return object{"type": "object", "additionalProperties": structSchema(reflect.TypeFor[Variant]())}
}

func (t *Timeline) schema() object {
	return object{"anyOf": []object{{"const": "none"}, typeSchema(reflect.TypeFor[[]StepSpec]())}}
}

func (v *Verdict) schema() object {
	return object{"anyOf": []object{{"const": "pass"}, structSchema(reflect.TypeFor[failArgs]())}}
}

// schema of a step: its own keys, and exactly one fault.
func (s *StepSpec) schema() object {
	step := structSchema(reflect.TypeFor[stepKeys]())
	props := step["properties"].(object)
	args := map[Shape]func() object{
		OnNodes:        (*Names)(nil).schema,
		OnLinks:        func() object { return structSchema(reflect.TypeFor[linkArgs]()) },
		OnBroadcasters: func() object { return structSchema(reflect.TypeFor[dropArgs]()) },
		OnDisks:        func() object { return structSchema(reflect.TypeFor[diskArgs]()) },
		OnStore:        func() object { return object{"enum": StoreFaults()} },
		OnZones:        func() object { return structSchema(reflect.TypeFor[zoneArgs]()) },
		OnMail:         func() object { return object{"enum": MailFaults()} },
		OnRedis:        func() object { return object{"enum": RedisAnswers()} },
		OnWeb:          func() object { return structSchema(reflect.TypeFor[answerArgs]()) },
		OnClocks:       func() object { return structSchema(reflect.TypeFor[clockArgs]()) },
		OnCohorts:      func() object { return object{"enum": Cohorts()} },
		OnFloors:       func() object { return structSchema(reflect.TypeFor[hardenArgs]()) },
	}
	var one []object
	for _, f := range Faults() {
		a := args[f.Shape]()
		a["description"] = f.Doc
		props[f.Name] = a
		one = append(one, object{"required": []string{f.Name}})
	}
	step["required"], step["oneOf"] = []string{"at"}, one
	return step
}

// schema of an expectation: a property's name, or its name with limits.
func (x *Expect) schema() object {
	var bare []string
	props := object{}
	for _, p := range Properties() {
		if len(p.Needs) == 0 {
			bare = append(bare, p.Name)
		}
		limits := structSchema(reflect.TypeFor[expectArgs]())
		all := limits["properties"].(object)
		for key := range all {
			if !slices.Contains(p.Takes, key) {
				delete(all, key)
			}
		}
		if p.Needs != nil {
			limits["required"] = p.Needs
		}
		props[p.Name] = limits
	}
	withLimits := object{"type": "object", "properties": props, "additionalProperties": false, "minProperties": 1, "maxProperties": 1}
	return object{"anyOf": []object{{"enum": bare}, withLimits}}
}
