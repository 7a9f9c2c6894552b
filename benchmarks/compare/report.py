"""Tables of medians, and plots, from the records of the runs."""

import collections
import statistics

import plot

# Columns: the name of a value, its heading, decimals. A column whose values a group has none of is left out.
COLUMNS = [
    ("per_second", "requests/s", 0),
    ("cpu_us", "server CPU, µs/request", 1),
    ("client_cpu_us", "client CPU, µs/request", 1),
    ("waits", "waits/request", 2),
    ("preemptions", "preemptions/request", 2),
    ("p50", "p50, ms", 2),
    ("p99", "p99, ms", 2),
    ("p999", "p99.9, ms", 2),
    ("max", "slowest, ms", 1),
    ("late_p99", "sent late, p99, ms", 2),
    ("memory", "resident bytes/document", 0),
    ("disk", "disk bytes/document", 0),
    ("log_s", "from the log, s", 2),
    ("after_snapshot_s", "after a snapshot, s", 2),
    ("snapshot_s", "duration of the snapshot, s", 2),
    ("big_per_second", "10 MB documents/s", 1),
    ("resident_mb", "resident, MB", 1),
    ("wakeups", "wake-ups/s", 1),
    ("cpu_ms", "CPU, ms/s", 2),
]
# What is plotted: the group, the part of a point that must match, the x axis, the value, its title, and the scales.
PLOTS = [
    ("set", {"pipelined": 1}, "clients", "per_second", "Writes a second over clients", "log linear"),
    ("set", {"pipelined": 1}, "clients", "cpu_us", "Server CPU per write over clients, µs", "log linear"),
    ("set", {"clients": 50}, "pipelined", "per_second", "Writes a second over pipelining, 50 clients", "log linear"),
    ("set", {"clients": 50}, "pipelined", "cpu_us", "Server CPU per write over pipelining, µs", "log log"),
    ("get", {"pipelined": 1}, "clients", "per_second", "Reads a second over clients", "log linear"),
    ("get", {"pipelined": 1}, "clients", "cpu_us", "Server CPU per read over clients, µs", "log linear"),
    ("get", {"clients": 50}, "pipelined", "per_second", "Reads a second over pipelining, 50 clients", "log linear"),
    ("get", {"clients": 50}, "pipelined", "cpu_us", "Server CPU per read over pipelining, µs", "log log"),
    ("latency", {"request": "set"}, "rate", "p99", "p99 of writes over their rate, ms", "log log"),
    ("latency", {"request": "set"}, "rate", "p999", "p99.9 of writes over their rate, ms", "log log"),
    ("latency", {"request": "get"}, "rate", "p99", "p99 of reads over their rate, ms", "log log"),
    ("sizes", {"request": "set"}, "bytes", "cpu_us", "Server CPU per write over the document's bytes, µs", "log log"),
    ("sizes", {"request": "get"}, "bytes", "cpu_us", "Server CPU per read over the document's bytes, µs", "log log"),
    ("sizes", {"request": "set-field"}, "bytes", "cpu_us", "Server CPU per change of a field, µs", "log log"),
    ("sizes", {"request": "get-field"}, "bytes", "cpu_us", "Server CPU per read of a field, µs", "log log"),
    ("keys", {"request": "set"}, "keys", "memory", "Resident bytes per document over keys", "log linear"),
    ("keys", {"request": "set"}, "keys", "cpu_us", "Server CPU per write over keys, µs", "log linear"),
    ("keys", {"request": "get"}, "keys", "cpu_us", "Server CPU per read over keys, µs", "log linear"),
]


def gathered(results, group):
    """{point: {system: {value: [one per run]}}}, in the order of the first runs."""
    points = collections.OrderedDict()
    for result in results:
        if result["group"] == group:
            systems = points.setdefault(tuple(result["point"].items()), collections.OrderedDict())
            values = systems.setdefault(result["system"], collections.defaultdict(list))
            for name, value in result["values"].items():
                values[name].append(value)
    return points


def cell(values, decimals):
    if not values:
        return "–"
    median = f"{statistics.median(values):.{decimals}f}"
    if len(values) == 1:
        return median
    return f"{median} ({min(values):.{decimals}f} to {max(values):.{decimals}f})"


def table(results, group, order):
    points = gathered(results, group)
    used = {name for systems in points.values() for values in systems.values() for name in values}
    columns = [column for column in COLUMNS if column[0] in used]
    names = [name for name, _ in next(iter(points))]
    lines = ["| " + " | ".join([*names, "server", *(heading for _, heading, _ in columns)]) + " |"]
    lines.append("|---" * (len(names) + 1 + len(columns)) + "|")
    for point, systems in points.items():
        for system in sorted(systems, key=order.index):
            cells = [str(value) for _, value in point] + [system]
            cells += [cell(systems[system].get(name), decimals) for name, _, decimals in columns]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def series(results, group, wanted, axis, value):
    """{system: [(x, median, lowest, highest)]}"""
    found = collections.OrderedDict()
    for point, systems in gathered(results, group).items():
        point = dict(point)
        if any(point.get(name) != part for name, part in wanted.items()):
            continue
        for system, values in systems.items():
            runs = values.get(value)
            if runs:
                found.setdefault(system, []).append((point[axis], statistics.median(runs), min(runs), max(runs)))
    return {system: sorted(points) for system, points in found.items()}


def write(directory, results, groups, heading, order):
    """Writes report.md and the plots. `order` is that of the systems in tables and legends."""
    parts = ["# Comparison", heading]
    for name, function in groups.items():
        if not any(result["group"] == name for result in results):
            continue
        parts += [f"## {name}", function.__doc__.strip(), table(results, name, order)]
        for number, (group, wanted, axis, value, title, scales) in enumerate(PLOTS):
            lines = series(results, group, wanted, axis, value) if group == name else {}
            if any(len(points) > 1 for points in lines.values()):
                file = f"{group}-{number:02}-{value.replace('_', '-')}.svg"
                x_log, y_log = (scale == "log" for scale in scales.split())
                (directory / file).write_text(plot.chart(title, axis, lines, order, x_log=x_log, y_log=y_log))
                parts.append(f"![{title}]({file})")
    (directory / "report.md").write_text("\n\n".join(parts) + "\n")
