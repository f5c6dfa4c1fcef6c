//! A run as a picture of some lines, redrawn in place.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::fit::{count, fitted, padded, sides, tail, wrapped};
use super::lines::{evaluation, interval};
use super::spark::spark;
use super::state::{Curve, State, clock};
use crate::cli::terminal::{Safe, cells};
use crate::train::watch::{shown, title};

/// Lines of the picture in a terminal of 24 lines: some of what was said before
/// stays in sight.
const LINES: u16 = 21;
/// Lines of the charts where there is room for them.
const CHART_LINES: u16 = 11;
/// Columns from which metrics take three columns, and charts stand side by side.
const WIDE: u16 = 118;
/// Lines of metrics.
const METRIC_LINES: usize = 7;

/// What colours are used; none where a person asked for none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    is_coloured: bool,
}

impl Palette {
    pub(super) const COLOURED: Self = Self { is_coloured: true };
    pub(super) const PLAIN: Self = Self { is_coloured: false };

    fn of(self, colour: Color) -> Style {
        match self.is_coloured {
            true => Style::new().fg(colour),
            false => Style::new(),
        }
    }

    fn faint(self) -> Style {
        match self.is_coloured {
            true => Style::new().add_modifier(Modifier::DIM),
            false => Style::new(),
        }
    }
}

const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);

/// How many lines the picture takes in a terminal.
pub(super) fn height(columns: u16, rows: u16) -> u16 {
    let most = rows.saturating_sub(2).max(1);
    match columns >= 80 && rows >= LINES + CHART_LINES + 4 {
        true => LINES + CHART_LINES,
        false => LINES.min(most),
    }
}

/// Draws the run. The last line stays free: the cursor is there, and what others
/// write.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, now: f64, palette: Palette) {
    let area = frame.area();
    let chart_lines = match area.height >= LINES + CHART_LINES {
        true => CHART_LINES,
        false => 0,
    };
    let metric_columns = if area.width >= WIDE { 3 } else { 2 };
    let metrics = state.shown();
    let metric_lines = metrics.len().div_ceil(metric_columns).min(METRIC_LINES) as u16;
    let [head, charts, grid, held_out, completion, cursor] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Length(chart_lines),
        Constraint::Length(metric_lines + 1),
        Constraint::Length(3),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_head(frame, head, state, now, palette);
    if chart_lines > 0 {
        draw_charts(frame, charts, state, palette);
    }
    draw_metrics(frame, grid, state, &metrics, metric_columns, palette);
    draw_evaluation(frame, held_out, state, palette);
    draw_completion(frame, completion, state, palette);
    frame.set_cursor_position((cursor.x, cursor.y));
}

/// One line of the picture, at a row of its part.
fn put(frame: &mut Frame<'_>, area: Rect, row: u16, line: Line<'_>) {
    if row < area.height {
        let row = Rect {
            y: area.y + row,
            height: 1,
            ..area
        };
        frame.render_widget(line, row);
    }
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, state: &State, now: f64, palette: Palette) {
    let run = &state.run;
    let about = [
        run.model.clone(),
        match run.parameters {
            0 => String::new(),
            parameters => format!("{} parameters", count(parameters)),
        },
        run.device.clone(),
    ];
    let about: Vec<String> = about.into_iter().filter(|part| !part.is_empty()).collect();
    let name = fitted(&run.name, usize::from(area.width) / 2);
    let about = fitted(
        &about.join(", "),
        usize::from(area.width).saturating_sub(cells(&name) + 2),
    );
    put(
        frame,
        area,
        0,
        Line::from(vec![
            Span::styled(name, STRONG),
            Span::raw("  "),
            Span::styled(about, palette.faint()),
        ]),
    );
    let (stage, step) = match &state.last {
        None => ("beginning".to_owned(), String::new()),
        Some(last) => (
            match state.stage() {
                Some((place, of, kind)) => {
                    format!("stage {place} of {of}: {} ({kind})", last.stage)
                }
                None => format!("stage {}", last.stage),
            },
            format!("step {} of {}", last.stage_step, last.stage_steps),
        ),
    };
    let doing = match &state.activity {
        Some((doing, done, total)) if *total > 0 => format!("   {doing} {done} of {total}"),
        Some((doing, ..)) => format!("   {doing}"),
        None => String::new(),
    };
    let room = usize::from(area.width).saturating_sub(cells(&step) + 1);
    let left = fitted(&format!("{stage}{doing}"), room);
    put(frame, area, 1, sides(left, step, area.width));
    let share = match &state.last {
        Some(last) if last.stage_steps > 0 => last.stage_step as f64 / last.stage_steps as f64,
        _ => 0.0,
    };
    let gone = clock(now - state.began);
    let times = match state.left() {
        Some(left) if run.ending.is_none() => format!("{gone} gone, {} left", clock(left)),
        _ => format!("{gone} gone"),
    };
    let times = format!("  {:>3.0} %  {times}", share * 100.0);
    let width = usize::from(area.width).saturating_sub(cells(&times));
    let full = (share.clamp(0.0, 1.0) * width as f64).round() as usize;
    put(
        frame,
        area,
        2,
        Line::from(vec![
            Span::styled("━".repeat(full), palette.of(Color::Green)),
            Span::styled("─".repeat(width - full), palette.faint()),
            Span::raw(times),
        ]),
    );
}

fn draw_metrics(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    metrics: &[(&str, f64)],
    columns: usize,
    palette: Palette,
) {
    const GAP: usize = 3;
    const VALUE: usize = 9;
    let width = ((usize::from(area.width) + GAP) / columns).saturating_sub(GAP);
    let names = (width / 2).min(24);
    let lines = metrics.len().div_ceil(columns).min(METRIC_LINES);
    for row in 0..lines {
        let mut spans = Vec::new();
        for column in 0..columns {
            let Some(&(name, value)) = metrics.get(column * lines + row) else {
                continue;
            };
            let room = width.saturating_sub(names + VALUE + 1);
            let curve = state
                .curves
                .get(name)
                .map_or("".to_owned(), |curve| spark(&curve.points, room));
            if column > 0 {
                spans.push(Span::raw(" ".repeat(GAP)));
            }
            spans.push(Span::styled(
                padded(&fitted(&title(name), names), names),
                palette.faint(),
            ));
            spans.push(Span::raw(format!("{:>VALUE$} ", shown(name, value))));
            spans.push(Span::styled(padded(&curve, room), palette.of(Color::Cyan)));
        }
        put(frame, area, row as u16, Line::from(spans));
    }
}

fn draw_evaluation(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let Some(record) = &state.evaluation else {
        return;
    };
    let Some((name, value)) = state.headline(record) else {
        return;
    };
    let range = match interval(record, name) {
        Some((low, high)) => {
            let low = shown(name, low);
            format!(" ({}–{})", low.trim_end_matches(" %"), shown(name, high))
        }
        None => String::new(),
    };
    let best = match state.best {
        Some((step, best)) if step != record.step => {
            format!(", best {} at step {step}", shown(name, best))
        }
        Some(_) => ", the best so far".to_owned(),
        None => String::new(),
    };
    let text = format!("{} {}{range}{best}  ", title(name), shown(name, value));
    let head = "held-out  ".to_owned();
    let room = usize::from(area.width).saturating_sub(cells(&head) + cells(&text));
    let curve = state
        .curves
        .get(&format!("eval_{name}"))
        .map_or(String::new(), |curve| spark(&curve.points, room.min(24)));
    put(
        frame,
        area,
        0,
        Line::from(vec![
            Span::styled(head, palette.faint()),
            Span::styled(text, STRONG),
            Span::styled(curve, palette.of(Color::Green)),
        ]),
    );
    let all = format!("step {}  {}", record.step, evaluation(record, Some(name)));
    let all = fitted(&all, usize::from(area.width));
    put(frame, area, 1, Line::styled(all, palette.faint()));
}

fn draw_completion(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let Some(completion) = &state.completion else {
        return;
    };
    let number =
        |value: Option<f64>| value.map_or("unknown".to_owned(), |value| format!("{value:.2}"));
    let mut parts = vec![format!("reward {}", number(completion.reward))];
    if let Some(advantage) = completion.advantage {
        parts.push(format!("advantage {advantage:+.2}"));
    }
    parts.push(format!("{} tokens", completion.n_tokens));
    parts.extend(completion.reason.clone());
    let colour = match completion.advantage {
        Some(advantage) if advantage > 0.0 => Color::Green,
        Some(advantage) if advantage < 0.0 => Color::Red,
        _ => Color::Reset,
    };
    let head = format!("completion of step {}  ", completion.step);
    let text = Safe(&parts.join(", ")).to_string();
    let room = usize::from(area.width).saturating_sub(cells(&head));
    put(
        frame,
        area,
        0,
        Line::from(vec![
            Span::styled(head, palette.faint()),
            Span::styled(fitted(&text, room), palette.of(colour)),
        ]),
    );
    let width = usize::from(area.width);
    let prompt = Safe(completion.prompt.trim()).to_string();
    put(
        frame,
        area,
        1,
        Line::styled(tail(&prompt, width), palette.faint()),
    );
    let lines = usize::from(area.height.saturating_sub(2));
    let text = Safe(completion.completion.trim()).to_string();
    for (row, line) in wrapped(&text, width, lines).into_iter().enumerate() {
        put(frame, area, row as u16 + 2, Line::raw(line));
    }
}

/// The reward over the steps, and the evaluations: side by side where there is
/// room, else the latter if there are two.
fn draw_charts(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let training = ["reward", "loss"]
        .into_iter()
        .find_map(|name| Some((name.to_owned(), state.curves.get(name)?)));
    let held_out = state.evaluation.as_ref().and_then(|record| {
        let name = state.headline(record)?.0;
        let curve = state.curves.get(&format!("eval_{name}"))?;
        (curve.points.len() > 1).then(|| (name.to_owned(), curve))
    });
    let area = Rect {
        height: area.height - 1,
        ..area
    };
    let charts: Vec<_> = [
        training.map(|(name, curve)| (title(&name), name, curve, Color::Cyan)),
        held_out.map(|(name, curve)| {
            (
                format!("held-out {}", title(&name)),
                name,
                curve,
                Color::Green,
            )
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    let parts = Layout::horizontal(vec![Constraint::Fill(1); charts.len()])
        .spacing(2)
        .split(area);
    for ((heading, name, curve, colour), area) in charts.into_iter().zip(parts.iter()) {
        draw_chart(frame, *area, &heading, &name, curve, palette.of(colour));
    }
}

fn draw_chart(
    frame: &mut Frame<'_>,
    area: Rect,
    heading: &str,
    name: &str,
    curve: &Curve,
    style: Style,
) {
    let points: Vec<(f64, f64)> = curve
        .points
        .iter()
        .copied()
        .filter(|(_, value)| value.is_finite())
        .collect();
    let (Some(&(first, _)), Some(&(last, _))) = (points.first(), points.last()) else {
        return;
    };
    let values = || points.iter().map(|&(_, value)| value);
    let (low, high) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    let (low, high) = match high > low {
        true => (low, high),
        false => (low - 0.5, high + 0.5),
    };
    let faint = Style::new().add_modifier(Modifier::DIM);
    put(
        frame,
        area,
        0,
        Line::styled(fitted(heading, area.width.into()), faint),
    );
    let area = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    let data = Dataset::default()
        .marker(Marker::Braille)
        .graph_type(GraphType::Line)
        .style(style)
        .data(&points);
    let label = |text: String| Span::styled(text, faint);
    let chart = Chart::new(vec![data])
        .x_axis(
            Axis::default()
                .bounds([first, last.max(first + 1.0)])
                .style(faint)
                .labels([label(format!("step {first}")), label(format!("{last}"))]),
        )
        .y_axis(
            Axis::default()
                .bounds([low, high])
                .style(faint)
                .labels([label(shown(name, low)), label(shown(name, high))]),
        );
    frame.render_widget(chart, area);
}
