"""Line charts as SVG, with the standard library alone."""

import html
import math

WIDTH, HEIGHT = 860, 440
LEFT, RIGHT, TOP, BOTTOM = 80, 250, 40, 50
# Colours that differ in brightness too, for readers who do not tell all hues apart.
COLOURS = ["#000000", "#d55e00", "#e69f00", "#0072b2", "#56b4e9", "#009e73", "#7fc97f", "#cc79a7", "#999999", "#8c510a"]


class Axis:
    """Maps values to positions, and has a few round values to label."""

    def __init__(self, values, begin, end, is_log):
        self.begin, self.end, self.is_log = begin, end, is_log
        positive = [value for value in values if value > 0]
        if is_log:
            low, high = (min(positive), max(positive)) if positive else (1, 10)
            self.low, self.high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
            if self.low == self.high:
                self.high *= 10
        else:
            self.low, self.high = 0, max([*positive, 1e-9]) * 1.08

    def place(self, value):
        if self.is_log:
            value = max(value, self.low)
            part = math.log10(value / self.low) / math.log10(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.begin + part * (self.end - self.begin)

    def ticks(self):
        if self.is_log:
            return [10.0 ** n for n in range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)]
        step = 10 ** math.floor(math.log10(self.high))
        while self.high / step < 4:
            step /= 2
        return [step * n for n in range(int(self.high / step) + 1)]


def label(value):
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


def chart(title, x_name, lines, order, *, x_log, y_log):
    """An SVG. `lines` has (x, median, lowest, highest) by name; `order` gives each name its colour in all charts."""
    points = [point for line in lines.values() for point in line]
    x = Axis([point[0] for point in points], LEFT, WIDTH - RIGHT, x_log)
    y = Axis([value for point in points for value in point[1:]], HEIGHT - BOTTOM, TOP, y_log)
    if x_log:
        # The line fills the width: its ends need not be powers of ten.
        x.low, x.high = min(point[0] for point in points), max(point[0] for point in points)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(LEFT, TOP - 16, title, 'font-size="15"'),
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_name, 'text-anchor="middle"'),
    ]
    for tick in y.ticks():
        at = y.place(tick)
        out.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        out.append(text(LEFT - 6, at + 4, label(tick), 'text-anchor="end"'))
    for value in sorted({point[0] for point in points}):
        at = x.place(value)
        out.append(f'<path d="M{at:.1f} {HEIGHT - BOTTOM}v5" stroke="black"/>')
        out.append(text(at, HEIGHT - BOTTOM + 18, label(value), 'text-anchor="middle"'))
    for row, name in enumerate(name for name in order if name in lines):
        out += line(lines[name], x, y, COLOURS[order.index(name) % len(COLOURS)])
        out += legend(name, row, COLOURS[order.index(name) % len(COLOURS)])
    out.append("</svg>")
    return "\n".join(out) + "\n"


def line(points, x, y, colour):
    """The medians, joined; through each the spread from the lowest to the highest value."""
    path = "L".join(f"{x.place(point[0]):.1f} {y.place(point[1]):.1f}" for point in points)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for value, median, low, high in points:
        at = x.place(value)
        yield f'<path d="M{at:.1f} {y.place(low):.1f}V{y.place(high):.1f}" stroke="{colour}" stroke-width="1"/>'
        yield f'<circle cx="{at:.1f}" cy="{y.place(median):.1f}" r="3" fill="{colour}"/>'


def legend(name, row, colour):
    at = TOP + 8 + 20 * row
    yield f'<path d="M{WIDTH - RIGHT + 16} {at}h24" stroke="{colour}" stroke-width="2"/>'
    yield text(WIDTH - RIGHT + 46, at + 4, name)


def text(x, y, content, attributes=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{html.escape(content)}</text>'
