//! Plots of the comparison as SVG: how latency and cost of one-to-one messages go with the rate, and with what is stored.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;

use super::Results;
use super::tables::spread;
use crate::numbers::real;
use crate::report::shown;
use crate::servers::Kind;

/// Beside the document.
const FOLDER: &str = "plots";
const SIZE: (u32, u32) = (720, 400);

/// Servers in the order of their colours.
const SERVERS: [Kind; 4] = [Kind::Godwit, Kind::Mosquitto, Kind::Archived, Kind::Ejabberd];
const COLOURS: [RGBColor; 4] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(148, 103, 189),
];

struct Plot {
    file: &'static str,
    caption: &'static str,
    unit: &'static str,
    /// What it goes with, in words and where to find it.
    along: &'static str,
    place: fn(&Results) -> Option<f64>,
    /// Whether small and large values are both to be seen.
    wide: bool,
    /// Figures and what tells their lines apart.
    figures: &'static [(&'static str, &'static str)],
}

const PLOTS: [Plot; 3] = [
    Plot {
        file: "latency.svg",
        caption: "One-to-one: latency against the rate, p50 and p99 (wide)",
        unit: "ms",
        along: "messages a second",
        place: |result| result.rate,
        wide: true,
        figures: &[("p50_ms", "p50"), ("p99_ms", "p99")],
    },
    Plot {
        file: "cpu.svg",
        caption: "One-to-one: server CPU per delivery against the rate",
        unit: "µs",
        along: "messages a second",
        place: |result| result.rate,
        wide: true,
        figures: &[("server_cpu_us_per_delivery", "")],
    },
    Plot {
        file: "growth.svg",
        caption: "Server CPU per delivery against what is stored, at 5,000 a second and at saturation (wide)",
        unit: "µs",
        along: "messages stored before",
        place: |result| result.stored.map(real),
        wide: false,
        figures: &[
            ("paced_cpu_us_per_delivery", "5,000 a second"),
            ("saturated_cpu_us_per_delivery", "200 in flight"),
        ],
    },
];

/// Places along, values up.
type Chart<'a, Y> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<plotters::coord::types::RangedCoordf64, Y>>;

/// One line of a plot.
struct Line {
    name: String,
    colour: RGBColor,
    width: u32,
    points: Vec<(f64, f64)>,
}

/// Shows the plots that have lines of more than one point.
pub(super) fn markdown(results: &[Results]) -> String {
    let mut text = String::new();
    for plot in PLOTS.iter().filter(|plot| !plot.lines(results).is_empty()) {
        let _ = writeln!(text, "![{}]({FOLDER}/{})", plot.caption, plot.file);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Draws them into the folder beside the document.
///
/// # Errors
/// A file cannot be written.
pub(super) fn write(document: &Path, results: &[Results]) -> anyhow::Result<()> {
    let folder = document.parent().context("a document is in a folder")?.join(FOLDER);
    for plot in &PLOTS {
        let lines = plot.lines(results);
        if lines.is_empty() {
            continue;
        }
        fs::create_dir_all(&folder)?;
        let svg = plot.draw(&lines).with_context(|| format!("drawing {}", plot.file))?;
        fs::write(folder.join(plot.file), svg)?;
    }
    Ok(())
}

impl Plot {
    /// Those with at least two points.
    fn lines(&self, results: &[Results]) -> Vec<Line> {
        let mut lines = Vec::new();
        for (server, colour) in SERVERS.into_iter().zip(COLOURS) {
            for (at, (figure, name)) in self.figures.iter().enumerate() {
                let point = |result: &Results| {
                    let place = (self.place)(result)?;
                    Some((place, spread(&result.records, server.name(), figure)?.median))
                };
                let points: Vec<_> = results.iter().filter_map(point).collect();
                if points.len() > 1 {
                    lines.push(Line {
                        name: format!("{} {name}", server.name()).trim_end().to_owned(),
                        colour,
                        width: if at == 0 { 1 } else { 3 },
                        points,
                    });
                }
            }
        }
        lines
    }

    fn draw(&self, lines: &[Line]) -> anyhow::Result<String> {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            area.fill(&WHITE)?;
            let points = || lines.iter().flat_map(|line| &line.points);
            let furthest = points().map(|point| point.0).fold(0.0, f64::max) * 1.05;
            let most = points().map(|point| point.1).fold(0.0, f64::max) * 1.3;
            let least = points().map(|point| point.1).fold(most, f64::min) / 1.3;
            let mut builder = ChartBuilder::on(&area);
            builder
                .caption(self.caption, ("sans-serif", 15))
                .margin(12)
                .x_label_area_size(40)
                .y_label_area_size(60);
            if self.wide {
                let chart = builder.build_cartesian_2d(0.0..furthest, (least..most).log_scale())?;
                self.fill(chart, lines)?;
            } else {
                self.fill(builder.build_cartesian_2d(0.0..furthest, 0.0..most)?, lines)?;
            }
            area.present()?;
        }
        Ok(svg)
    }

    fn fill<Y>(&self, mut chart: Chart<'_, Y>, lines: &[Line]) -> anyhow::Result<()>
    where
        Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        chart
            .configure_mesh()
            .x_desc(self.along)
            .y_desc(self.unit)
            .x_label_formatter(&|place| shown(place.round()))
            .draw()?;
        for line in lines {
            let style = line.colour.stroke_width(line.width);
            chart
                .draw_series(LineSeries::new(line.points.iter().copied(), style))?
                .label(line.name.as_str())
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], style));
        }
        chart
            .configure_series_labels()
            .border_style(BLACK)
            .background_style(WHITE)
            .draw()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Record;

    #[test]
    fn a_plot_holds_its_lines_and_their_names() {
        let line = Line {
            name: "godwit p50".to_owned(),
            colour: COLOURS[0],
            width: 1,
            points: vec![(1_000.0, 0.3), (5_000.0, 0.6)],
        };
        let svg = PLOTS[0].draw(&[line]).expect("drawn");
        assert!(svg.starts_with("<svg") && svg.contains("<polyline"), "{svg}");
        assert!(svg.contains("godwit p50") && svg.contains("messages a second"), "{svg}");
    }

    #[test]
    fn cost_is_drawn_against_what_is_stored() {
        let result = |stored: u64, cost: f64| {
            let mut record = Record::new("growth", "godwit");
            record.figure("paced_cpu_us_per_delivery", cost);
            Results {
                label: stored.to_string(),
                load: "growth",
                rate: None,
                stored: Some(stored),
                records: vec![record],
            }
        };
        let results = [result(0, 70.0), result(20_000_000, 75.0)];
        let lines = PLOTS[2].lines(&results);
        assert_eq!(lines[0].points, [(0.0, 70.0), (20_000_000.0, 75.0)]);
        assert!(PLOTS[0].lines(&results).is_empty());
        let svg = PLOTS[2].draw(&lines).expect("drawn");
        assert!(svg.contains("messages stored before"), "{svg}");
        assert!(markdown(&results).contains("plots/growth.svg"));
    }
}
