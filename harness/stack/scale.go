package stack

import (
	"fmt"
	"reflect"
	"time"
)

// scale divides every wait in a configuration by speed and leaves the deadlines:
// an interval, a TTL or a window is part of the incident, while a deadline meets
// the machine as it is. Which field is which stands in waits and deadlines. cfg
// is a pointer to a struct; nested structs and slices of them are scaled as well.
func scale(cfg any, speed float64) error {
	return scaleValue(reflect.ValueOf(cfg).Elem(), speed)
}

func scaleValue(v reflect.Value, speed float64) error {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if err := scaleField(v.Type(), i, v.Field(i), speed); err != nil {
				return err
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := scaleValue(v.Index(i), speed); err != nil {
				return err
			}
		}
	}
	return nil
}

func scaleField(of reflect.Type, i int, v reflect.Value, speed float64) error {
	f := of.Field(i)
	if !isDuration(f.Type) {
		if !f.IsExported() {
			return nil
		}
		return scaleValue(v, speed)
	}
	name := fieldName(of, f)
	switch {
	case deadlines()[name]:
		return nil
	case waits()[name]:
		v.SetInt(int64(float64(v.Int()) / speed))
		return nil
	}
	return fmt.Errorf("scale %s: it is listed neither as a wait nor as a deadline", name)
}

func isDuration(t reflect.Type) bool {
	return t.Kind() == reflect.Int64 && (t == reflect.TypeFor[time.Duration]() || t.ConvertibleTo(reflect.TypeFor[time.Duration]()) && t.Name() == "Duration")
}

// fieldName is "balancer.Config.HoldPut": the last part of the package's path, the type, the field.
func fieldName(of reflect.Type, f reflect.StructField) string { return of.String() + "." + f.Name }
