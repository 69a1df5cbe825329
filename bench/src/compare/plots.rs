//! Plots of the comparison as SVG: how latency and cost of one-to-one messages go with the rate.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use plotters::prelude::*;

use super::Results;
use super::tables::spread;
use crate::loads::Load;

/// Beside the document.
const FOLDER: &str = "plots";
const SIZE: (u32, u32) = (720, 400);

/// Servers in the order of their colours.
const SERVERS: [&str; 3] = ["godwit", "mosquitto", "mosquitto + archiver"];
const COLOURS: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115)];

struct Plot {
    file: &'static str,
    caption: &'static str,
    unit: &'static str,
    /// Figures and what tells their lines apart.
    figures: &'static [(&'static str, &'static str)],
}

const PLOTS: [Plot; 2] = [
    Plot {
        file: "latency.svg",
        caption: "One-to-one: latency against the rate, p50 and p99 (wide)",
        unit: "ms",
        figures: &[("p50_ms", "p50"), ("p99_ms", "p99")],
    },
    Plot {
        file: "cpu.svg",
        caption: "One-to-one: server CPU per delivery against the rate",
        unit: "µs",
        figures: &[("server_cpu_us_per_delivery", "")],
    },
];

/// One line of a plot.
struct Line {
    name: String,
    colour: RGBColor,
    width: u32,
    points: Vec<(f64, f64)>,
}

/// Shows the plots, when there is more than one rate.
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
    /// Those with at least two rates.
    fn lines(&self, results: &[Results]) -> Vec<Line> {
        let mut lines = Vec::new();
        for (server, colour) in SERVERS.into_iter().zip(COLOURS) {
            for (at, (figure, name)) in self.figures.iter().enumerate() {
                let point = |result: &Results| {
                    let rate = rate(&result.step.load)?;
                    Some((rate, spread(&result.records, server, figure)?.median))
                };
                let points: Vec<_> = results.iter().filter_map(point).collect();
                if points.len() > 1 {
                    lines.push(Line {
                        name: format!("{server} {name}").trim_end().to_owned(),
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
            let rate_max = points().map(|point| point.0).fold(0.0, f64::max);
            let most = points().map(|point| point.1).fold(0.0, f64::max) * 1.3;
            let least = points().map(|point| point.1).fold(most, f64::min) / 1.3;
            let mut chart = ChartBuilder::on(&area)
                .caption(self.caption, ("sans-serif", 18))
                .margin(12)
                .x_label_area_size(40)
                .y_label_area_size(60)
                .build_cartesian_2d(0.0..rate_max * 1.05, (least..most).log_scale())?;
            chart
                .configure_mesh()
                .x_desc("messages a second")
                .y_desc(self.unit)
                .x_label_formatter(&|rate| format!("{rate:.0}"))
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
            area.present()?;
        }
        Ok(svg)
    }
}

/// The fixed rate of a load of one-to-one messages.
fn rate(load: &Load) -> Option<f64> {
    match load {
        Load::Chat(chat) if !chat.tls => chat.rate,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
