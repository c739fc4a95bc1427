package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// line is one row of the table.
type line struct {
	operation, engine    string
	cost, floor          string
	value, target, judge string
}

type report struct{ lines []line }

// atMost judges a ratio against its target; 0 is none.
func (r *report) ratio(operation, engine string, turns []turn, target float64) {
	l := line{
		operation: operation, engine: engine,
		cost: milliseconds(median(turns, func(t turn) float64 { return float64(t.cost) })), floor: milliseconds(median(turns, func(t turn) float64 { return float64(t.floor) })),
	}
	value := median(turns, func(t turn) float64 { return float64(t.cost) / float64(t.floor) })
	l.value = fmt.Sprintf("%.2f", value)
	if target > 0 {
		l.target, l.judge = fmt.Sprintf("≤ %.2f", target), verdict(value <= target)
	}
	r.lines = append(r.lines, l)
}

// difference judges what an operation costs beyond its floor.
func (r *report) difference(operation, engine string, turns []turn, target time.Duration) {
	value := median(turns, func(t turn) float64 { return float64(t.cost - t.floor) })
	r.lines = append(r.lines, line{
		operation: operation, engine: engine,
		cost: milliseconds(median(turns, func(t turn) float64 { return float64(t.cost) })), floor: milliseconds(median(turns, func(t turn) float64 { return float64(t.floor) })),
		value: milliseconds(value) + " ms", target: "≤ " + milliseconds(float64(target)) + " ms", judge: verdict(value <= float64(target)),
	})
}

// measured adds a value that is no ratio to a floor.
func (r *report) measured(operation, engine, value, target string, ok bool) {
	l := line{operation: operation, engine: engine, value: value, target: target}
	if target != "" {
		l.judge = verdict(ok)
	}
	r.lines = append(r.lines, l)
}

func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "missed"
}

func milliseconds(ns float64) string { return fmt.Sprintf("%.3f", ns/float64(time.Millisecond)) }

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func (r *report) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "\noperation\tengine\tCPU ms\tfloor ms\tratio\ttarget\t")
	for _, l := range r.lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.operation, l.engine, l.cost, l.floor, l.value, l.target, l.judge)
	}
	_ = w.Flush()
}

// turn is one measurement of an operation beside that of its floor.
type turn struct{ cost, floor time.Duration }

func median[T any](list []T, of func(T) float64) float64 {
	values := make([]float64, len(list))
	for i, v := range list {
		values[i] = of(v)
	}
	slices.Sort(values)
	if len(values) == 0 {
		return 0
	}
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

func identity(v float64) float64 { return v }
