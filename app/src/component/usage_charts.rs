//! CPU, memory and network of a VM over the last 15 minutes.

use leptos::prelude::*;

use super::{Chart, Line, Picture};
use crate::{
    format,
    model::{UsagePoint, VmDetail},
};

/// A line's name, and what of a measurement it shows.
type Reading = (&'static str, fn(&UsagePoint) -> f32);

/// Three charts, redrawn when the detail changes.
#[component]
pub fn UsageCharts(#[prop(into)] detail: Signal<VmDetail>) -> impl IntoView {
    let newest = move || detail.with(|detail| detail.usage.last().copied());
    let picture = move |top: f32, lines: &[Reading]| {
        detail.with(|detail| Picture {
            lines: lines
                .iter()
                .map(|(name, value)| line(name, &detail.usage, *value))
                .collect(),
            now: detail.as_of,
            top,
        })
    };
    let memory_max = move || detail.with(|detail| detail.vm.memory_mib as f32);
    let nothing = || "–".to_owned();
    let cpu = move || newest().map_or_else(nothing, |point| format!("{:.0} %", point.cpu_percent));
    let memory = move || {
        let words = |point: UsagePoint| {
            format!(
                "{} of {}",
                format::mib(point.memory_mib),
                format::mib(memory_max())
            )
        };
        newest().map_or_else(nothing, words)
    };
    let network = move || {
        let words = |point: UsagePoint| {
            format!(
                "{} in, {} out",
                format::rate(point.rx_rate),
                format::rate(point.tx_rate)
            )
        };
        newest().map_or_else(nothing, words)
    };
    view! {
        <div class="charts">
            <Chart
                title="CPU"
                reading=Signal::derive(cpu)
                picture=Signal::derive(move || picture(100.0, &[("CPU", |point| point.cpu_percent)]))
                words=|value| format!("{value:.0} %")
            />
            <Chart
                title="Memory"
                reading=Signal::derive(memory)
                picture=Signal::derive(move || {
                    picture(memory_max(), &[("Memory", |point| point.memory_mib)])
                })
                words=format::mib
            />
            <Chart
                title="Network"
                reading=Signal::derive(network)
                picture=Signal::derive(move || {
                    picture(1024.0, &[("In", |point| point.rx_rate), ("Out", |point| point.tx_rate)])
                })
                words=format::rate
            />
        </div>
    }
}

fn line(name: &'static str, usage: &[UsagePoint], value: fn(&UsagePoint) -> f32) -> Line {
    Line {
        name,
        points: usage.iter().map(|point| (point.at, value(point))).collect(),
    }
}
