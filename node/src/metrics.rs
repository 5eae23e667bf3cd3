//! The node's figures as Prometheus text.

use std::time::Duration;

use axum::http::Method;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use node_api::{
    status::NodeStatus,
    vm::{PowerState, VmReport},
};

/// Counters that grow, and gauges that are set when somebody asks.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    refused: Counter,
    vms: Family<PowerLabels, Gauge>,
    shells: Gauge,
    degraded: Gauge,
    capacity_memory: Gauge,
    promised_memory: Gauge,
    disk_free_percent: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PowerLabels {
    power: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Names every figure, behind `minicloud_node_`. Gauges read 0 before the first [`Metrics::render`].
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("minicloud_node");
        // 1 ms to 65 s
        let make: fn() -> Histogram = || Histogram::new(exponential_buckets(0.001, 4.0, 9));
        let durations = Family::new_with_constructor(make);
        let metrics = Self {
            requests: Family::default(),
            durations,
            refused: Counter::default(),
            vms: Family::default(),
            shells: Gauge::default(),
            degraded: Gauge::default(),
            capacity_memory: Gauge::default(),
            promised_memory: Gauge::default(),
            disk_free_percent: Gauge::default(),
            registry: Registry::default(),
        };
        metrics.register(&mut registry);
        Self {
            registry,
            ..metrics
        }
    }

    fn register(&self, to: &mut Registry) {
        to.register("requests", "Requests answered", self.requests.clone());
        to.register_with_unit(
            "request_duration",
            "Time until the answer began",
            Unit::Seconds,
            self.durations.clone(),
        );
        to.register(
            "requests_refused",
            "Requests without the credential",
            self.refused.clone(),
        );
        to.register("vms", "VMs by what they do", self.vms.clone());
        to.register("shells", "Shells that live", self.shells.clone());
        to.register(
            "engine_degraded",
            "1 while the engine cannot be used",
            self.degraded.clone(),
        );
        to.register(
            "capacity_memory_mib",
            "Memory for VMs, MiB",
            self.capacity_memory.clone(),
        );
        to.register(
            "promised_memory_mib",
            "Memory promised to VMs, MiB",
            self.promised_memory.clone(),
        );
        to.register(
            "disk_free_percent",
            "Free part of the engine's disk",
            self.disk_free_percent.clone(),
        );
    }

    /// Counts an answer.
    pub fn request(&self, method: &Method, route: &str, status: u16, took: Duration) {
        // An unknown method must not make a new time series.
        let method = match *method {
            Method::GET | Method::PUT | Method::POST | Method::DELETE => method.to_string(),
            _ => "other".to_owned(),
        };
        let route = route.to_owned();
        self.durations
            .get_or_create(&RouteLabels {
                route: route.clone(),
            })
            .observe(took.as_secs_f64());
        self.requests
            .get_or_create(&RequestLabels {
                method,
                route,
                status,
            })
            .inc();
    }

    /// Counts a request without the credential.
    pub fn refused(&self) {
        self.refused.inc();
    }

    /// Everything as text; gauges are set from what is known now.
    pub fn render(&self, status: &NodeStatus, vms: &[VmReport]) -> Result<String, std::fmt::Error> {
        self.vms.clear();
        for vm in vms {
            let power = power_word(vm.power);
            self.vms.get_or_create(&PowerLabels { power }).inc();
        }
        let promised: i64 = vms.iter().map(|vm| i64::from(vm.spec.memory_mib)).sum();
        self.promised_memory.set(promised);
        self.shells.set(i64::from(status.usage.shells));
        self.degraded
            .set(i64::from(status.engine.degraded.is_some()));
        self.capacity_memory
            .set(i64::from(status.capacity.memory_mib));
        self.disk_free_percent
            .set(i64::from(status.usage.disk_free_percent));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn power_word(power: PowerState) -> &'static str {
    match power {
        PowerState::Created => "created",
        PowerState::Running => "running",
        PowerState::Stopping => "stopping",
        PowerState::Exited => "exited",
        PowerState::Dead => "dead",
    }
}
