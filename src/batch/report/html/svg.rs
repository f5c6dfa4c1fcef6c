//! Pictures as SVG: bars and curves with labelled axes.
//!
//! A picture is 360 units wide, about what it is given on a phone and in a column
//! of three, so that its text is as large as the page's. Colours are classes of
//! the page's style. Everything is escaped; labels never overlap, because those
//! that would are left out.

use std::fmt::Write;

use super::numbers::tick;
use crate::page::escaped;

/// Width of a picture.
const WIDTH: f64 = 360.0;
/// Room for the labels of the vertical axis.
const LEFT: f64 = 48.0;
const RIGHT: f64 = 12.0;
/// Room for the title of a panel, and the lowest label of the one above.
const TOP: f64 = 32.0;
/// Room for the labels of the horizontal axis and its title.
const BOTTOM: f64 = 38.0;
/// Height of a plot.
const HEIGHT: f64 = 150.0;
/// About the width of a character of a label.
const CHARACTER: f64 = 7.4;

/// What the vertical axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// From 0 to the largest value.
    Counts,
    /// From 0 to 100 %.
    Shares,
}

/// Where the labels of the horizontal axis stand.
pub(super) enum Labels {
    /// One below the middle of every slot.
    Middle(Vec<String>),
    /// One at every edge of the slots: one more than there are slots.
    Edges(Vec<String>),
}

/// One part of a bar.
pub(super) struct Part {
    /// Its colour, a class.
    pub(super) class: &'static str,
    pub(super) value: f64,
    /// What hovering over it says.
    pub(super) title: String,
    /// Where the JSON has the value.
    pub(super) path: String,
}

/// A value with its interval.
pub(super) struct Dot {
    pub(super) slot: usize,
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) title: String,
    pub(super) path: String,
}

/// A curve through dots.
pub(super) struct Line {
    pub(super) class: &'static str,
    pub(super) dots: Vec<Dot>,
}

/// What is drawn over the slots of the horizontal axis.
pub(super) enum Marks {
    /// One bar for every slot, its parts from the bottom up.
    Bars(Vec<Vec<Part>>),
    /// Curves with a band for their intervals.
    Lines(Vec<Line>),
    /// Dots with whiskers.
    Dots(&'static str, Vec<Dot>),
}

/// One plot.
pub(super) struct Panel {
    pub(super) scale: Scale,
    /// What the vertical axis shows.
    pub(super) title: &'static str,
    pub(super) marks: Marks,
}

/// Panels one below the other over one horizontal axis.
pub(super) struct Picture {
    /// What the picture says, for those who do not see it.
    pub(super) says: String,
    pub(super) slots: usize,
    pub(super) labels: Labels,
    /// What the horizontal axis shows.
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
}

impl Picture {
    pub(super) fn svg(&self) -> String {
        let panel = TOP + HEIGHT;
        let below = panel * self.panels.len() as f64;
        let height = below + BOTTOM;
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
            escaped(&self.says)
        );
        for (index, panel_of) in self.panels.iter().enumerate() {
            self.panel(&mut svg, panel_of, panel * index as f64 + TOP);
        }
        self.axis(&mut svg, below);
        svg + "</svg>"
    }

    fn slot(&self) -> f64 {
        (WIDTH - LEFT - RIGHT) / self.slots.max(1) as f64
    }

    fn panel(&self, svg: &mut String, panel: &Panel, top: f64) {
        let ticks = match panel.scale {
            Scale::Shares => vec![0.0, 0.25, 0.5, 0.75, 1.0],
            Scale::Counts => ticks(panel.largest()),
        };
        let most = ticks.last().copied().unwrap_or(1.0);
        let y = |value: f64| top + HEIGHT * (1.0 - value / most);
        add(
            svg,
            format_args!(
                "<text class=\"axis\" x=\"2\" y=\"{:.1}\">{}</text>",
                top - 12.0,
                escaped(panel.title)
            ),
        );
        for value in ticks {
            let label = match panel.scale {
                Scale::Shares => format!("{} %", value * 100.0),
                Scale::Counts => tick(value),
            };
            let at = y(value);
            add(
                svg,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                     <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                    WIDTH - RIGHT,
                    LEFT - 6.0,
                    at + 4.0
                ),
            );
        }
        match &panel.marks {
            Marks::Bars(bars) => self.bars(svg, bars, y),
            Marks::Lines(lines) => {
                for line in lines {
                    self.line(svg, line, y);
                }
            }
            Marks::Dots(class, dots) => self.dots(svg, class, dots, y),
        }
    }

    fn bars(&self, svg: &mut String, bars: &[Vec<Part>], y: impl Fn(f64) -> f64) {
        let slot = self.slot();
        // Bars of one value stand apart, those of ranges touch.
        let gap = match self.labels {
            Labels::Middle(_) => (slot * 0.25).min(24.0),
            Labels::Edges(_) => 1.0_f64.min(slot * 0.2),
        };
        for (index, parts) in bars.iter().enumerate() {
            let x = LEFT + slot * index as f64 + gap / 2.0;
            let mut below = 0.0;
            for part in parts.iter().filter(|part| part.value > 0.0) {
                let (from, to) = (y(below + part.value), y(below));
                below += part.value;
                add(
                    svg,
                    format_args!(
                        "<rect class=\"{}\" x=\"{x:.2}\" y=\"{from:.2}\" width=\"{:.2}\" \
                         height=\"{:.2}\" data-path=\"{}\"><title>{}</title></rect>",
                        part.class,
                        slot - gap,
                        to - from,
                        part.path,
                        escaped(&part.title)
                    ),
                );
            }
        }
    }

    fn middle(&self, slot: usize) -> f64 {
        LEFT + self.slot() * (slot as f64 + 0.5)
    }

    fn line(&self, svg: &mut String, line: &Line, y: impl Fn(f64) -> f64) {
        let points = |value: fn(&Dot) -> f64| {
            let points = line.dots.iter();
            points.map(move |dot| (self.middle(dot.slot), value(dot)))
        };
        let text = |points: &mut dyn Iterator<Item = (f64, f64)>| {
            let points = points.map(|(x, value)| format!("{x:.1},{:.1}", y(value)));
            points.collect::<Vec<_>>().join(" ")
        };
        let class = line.class;
        let band = text(&mut points(|dot| dot.high).chain(points(|dot| dot.low).rev()));
        let middle = text(&mut points(|dot| dot.value));
        add(
            svg,
            format_args!(
                "<polygon class=\"band {class}\" points=\"{band}\"/>\
                 <polyline class=\"curve {class}\" points=\"{middle}\"/>"
            ),
        );
        for dot in &line.dots {
            self.dot(svg, class, dot, &y);
        }
    }

    fn dots(&self, svg: &mut String, class: &str, dots: &[Dot], y: impl Fn(f64) -> f64) {
        for dot in dots {
            let x = self.middle(dot.slot);
            add(
                svg,
                format_args!(
                    "<line class=\"whisker {class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
                    y(dot.low),
                    y(dot.high)
                ),
            );
            self.dot(svg, class, dot, &y);
        }
    }

    fn dot(&self, svg: &mut String, class: &str, dot: &Dot, y: impl Fn(f64) -> f64) {
        add(
            svg,
            format_args!(
                "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.2}\" r=\"3.5\" data-path=\"{}\">\
                 <title>{}</title></circle>",
                self.middle(dot.slot),
                y(dot.value),
                dot.path,
                escaped(&dot.title)
            ),
        );
    }

    fn axis(&self, svg: &mut String, below: f64) {
        let (labels, first) = match &self.labels {
            Labels::Middle(labels) => (labels, self.middle(0)),
            Labels::Edges(labels) => (labels, LEFT),
        };
        let slot = self.slot();
        let half = |label: &str| label.chars().count() as f64 * CHARACTER / 2.0;
        let widest = labels.iter().map(|label| half(label)).fold(0.0, f64::max);
        let every = ((2.0 * widest + 8.0) / slot).ceil().max(1.0) as usize;
        let mut free = f64::NEG_INFINITY;
        for (index, label) in labels.iter().enumerate().step_by(every) {
            let half = half(label).min(WIDTH / 2.0);
            let x = (first + slot * index as f64).clamp(half, WIDTH - half);
            if x - half < free {
                continue;
            }
            free = x + half + 4.0;
            add(
                svg,
                format_args!(
                    "<text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                    below + 16.0,
                    escaped(label)
                ),
            );
        }
        add(
            svg,
            format_args!(
                "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                (LEFT + WIDTH - RIGHT) / 2.0,
                below + 33.0,
                escaped(&self.title)
            ),
        );
    }
}

impl Panel {
    fn largest(&self) -> f64 {
        let bar = |parts: &Vec<Part>| parts.iter().map(|part| part.value).sum::<f64>();
        match &self.marks {
            Marks::Bars(bars) => bars.iter().map(bar).fold(0.0, f64::max),
            Marks::Lines(_) | Marks::Dots(..) => 1.0,
        }
    }
}

/// Whole numbers from 0 to the first that is not below `most`, in steps of 1, 2 or
/// 5 times a power of ten.
fn ticks(most: f64) -> Vec<f64> {
    let mut power = 1.0;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            let step = power * factor;
            let steps = (most / step).ceil().max(1.0);
            if steps <= 5.0 {
                return (0..=steps as u64).map(|tick| tick as f64 * step).collect();
            }
        }
        power *= 10.0;
    }
}

fn add(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("a String takes every byte");
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn ticks_reach_beyond_the_largest() {
        assert_eq!(ticks(0.0), [0.0, 1.0]);
        assert_eq!(ticks(3.0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(ticks(247.0), [0.0, 50.0, 100.0, 150.0, 200.0, 250.0]);
        assert_eq!(ticks(5276.0), [0.0, 2000.0, 4000.0, 6000.0]);
    }
}
