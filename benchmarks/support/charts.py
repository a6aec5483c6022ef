"""Bars, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

COLOURS = ("#2563eb", "#f59e0b", "#10b981", "#a855f7", "#ef4444", "#64748b", "#0f766e")
CHART_WIDTH, BAR, GAP, LETTER = 760, 16, 12, 6.4
"""Pixels; the last is how wide a letter of a label is, or a little more."""


def chart(title: str, bars: Mapping[str, Mapping[str, float]], unit: str, footer: str) -> str:
    """Horizontal bars: a group for each label, a colour for each series."""
    labels = list(dict.fromkeys(label for series in bars.values() for label in series))
    indent = 30 + LETTER * max(len(label) for label in labels)
    longest = max(value for series in bars.values() for value in series.values()) or 1.0
    scale = (CHART_WIDTH - indent - 90) / longest
    top = 46 + 18 * (len(bars) > 1)
    parts = [_text(12, 24, title, size=13, weight="600")]
    if len(bars) > 1:
        parts += _legend(list(bars))
    y = top
    for label in labels:
        shown = [(number, series[label]) for number, series in enumerate(bars.values()) if label in series]
        parts.append(_text(indent - 8, y + BAR * len(shown) / 2 + 4, label, anchor="end"))
        for number, value in shown:
            parts.append(
                f'<rect x="{indent:.1f}" y="{y}" width="{value * scale:.1f}" height="{BAR - 3}" '
                f'fill="{COLOURS[number]}"/>'
            )
            parts.append(_text(indent + value * scale + 5, y + 11, f"{_short(value)} {unit}".strip()))
            y += BAR
        y += GAP
    height = y + 24
    parts.append(_text(12, height - 8, footer, size=10))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{CHART_WIDTH}" height="{height}" '
        f'viewBox="0 0 {CHART_WIDTH} {height}" font-family="system-ui, sans-serif">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _legend(names: Sequence[str]) -> list[str]:
    parts, left = [], 12.0
    for number, name in enumerate(names):
        parts.append(f'<rect x="{left:.1f}" y="38" width="10" height="10" fill="{COLOURS[number]}"/>')
        parts.append(_text(left + 15, 47, name))
        left += 40 + LETTER * len(name)
    return parts


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _text(
    x: float, y: float, text: str, *, size: int = 12, anchor: str = "start", weight: str = "400"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="#111827">{escape(text)}</text>'
    )
