//! How long another user waits: for the API's answers, and for the echo of a key in each VM. Asked all the time, in the
//! same rhythm whatever else goes on.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Builder,
    sync::oneshot,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    shell::Shell,
    tenant::{QUIET, Tenant},
};

/// What is promised, times the three of docs/decisions/0013: p95 at most twice that of an idle server, and what is
/// less than the floor is a moment all the same.
const API_TIMES: f64 = 2.0 * 3.0;
const API_FLOOR_MS: f64 = 30.0;
const ECHO_MS: f64 = 100.0 * 3.0;

/// 300 rounds of requests take 12 s, and 200 rounds of keys.
const REQUEST_EVERY: Duration = Duration::from_millis(40);
const KEY_EVERY: Duration = Duration::from_millis(60);
const WINDOW: Duration = Duration::from_secs(12);
/// Fewer rounds than that say nothing; slow ones leave out others.
const ROUNDS_MIN: usize = 30;

const WHAT: [&str; 4] = [
    "GET /api/v1/vms",
    "GET /api/v1/vms/calm1",
    "echo of a key in calm1",
    "echo of a key in calm2",
];
const API: usize = 2;

pub const HEAD: &str = "| while there is | what (ms) | runs | p50 | p95 | worst | p95 of idle |\n|---|---|---|---|---|---|---|";

type Millis = [Vec<f64>; WHAT.len()];

pub struct Probe {
    millis: Arc<Mutex<Millis>>,
    measuring: thread::JoinHandle<()>,
}

/// What was measured in a time.
pub struct Window(Millis);

impl Probe {
    /// Opens the shells and begins.
    pub async fn begin(tenant: &Tenant) -> Self {
        let millis: Arc<Mutex<Millis>> = Arc::default();
        let (own, tenant) = (millis.clone(), tenant.with_own_connections());
        let (ready, is_ready) = oneshot::channel();
        let measuring = thread::spawn(move || {
            come_first();
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let shells = shells(&tenant).await;
                ready.send(()).unwrap();
                tokio::join!(ask(tenant, own.clone()), type_keys(shells, own));
            });
        });
        is_ready
            .await
            .expect("its shells open; why not stands above");
        Self { millis, measuring }
    }

    /// What is measured from now on, for as long as a window is.
    pub async fn window(&self) -> Window {
        *self.millis.lock().unwrap() = Millis::default();
        sleep(WINDOW).await;
        let window = Window(std::mem::take(&mut *self.millis.lock().unwrap()));
        let has_ended = self.measuring.is_finished();
        assert!(!has_ended, "what measures has failed; why stands above");
        for (what, millis) in WHAT.iter().zip(&window.0) {
            let rounds = millis.len();
            assert!(rounds >= ROUNDS_MIN, "{what}: {rounds} in {WINDOW:?}");
        }
        window
    }
}

/// Who waits is elsewhere, in use, and has a processor of their own: their part here is not to wait for the server's,
/// nor for the flood's viewer. Without the right to it they take their turn, and what is measured is more.
fn come_first() {
    if let Err(error) = rustix::process::setpriority_process(None, -10) {
        println!("(what measures has to wait for its turn: {error})");
    }
}

async fn shells(tenant: &Tenant) -> Vec<Shell> {
    let mut shells = Vec::new();
    for name in QUIET {
        let mut shell = tenant.shell(name).await;
        shell.wait_for("# ").await;
        // A process of the VM gives back what is typed, and nothing else says anything.
        shell
            .type_in("stty raw -echo; echo rea''dy; exec cat\r")
            .await;
        shell.wait_for("ready\n").await;
        shells.push(shell);
    }
    shells
}

async fn ask(tenant: Tenant, millis: Arc<Mutex<Millis>>) {
    let mut rhythm = interval(REQUEST_EVERY);
    rhythm.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rhythm.tick().await;
        for (at, path) in ["/vms", "/vms/calm1"].into_iter().enumerate() {
            let begun = Instant::now();
            tenant.get(path).await;
            note(&millis, at, begun);
        }
    }
}

async fn type_keys(mut shells: Vec<Shell>, millis: Arc<Mutex<Millis>>) {
    let mut rhythm = interval(KEY_EVERY);
    rhythm.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for key in ('a'..='z').cycle() {
        rhythm.tick().await;
        let key = key.to_string();
        for (at, shell) in shells.iter_mut().enumerate() {
            let begun = Instant::now();
            shell.type_in(&key).await;
            shell.wait_for(&key).await;
            note(&millis, API + at, begun);
        }
    }
}

fn note(millis: &Mutex<Millis>, at: usize, begun: Instant) {
    millis.lock().unwrap()[at].push(begun.elapsed().as_secs_f64() * 1e3);
}

impl Window {
    /// Lines of the table.
    pub fn rows(&self, name: &str, idle: &Self) -> String {
        let row = |(at, what): (usize, &&str)| {
            let [p50, p95, worst] = [50, 95, 100].map(|percent| self.percentile(at, percent));
            let times = p95 / idle.percentile(at, 95);
            let runs = self.0[at].len();
            format!(
                "| {name} | {what} | {runs} | {p50:.2} | {p95:.2} | {worst:.2} | {times:.1} x |"
            )
        };
        WHAT.iter()
            .enumerate()
            .map(row)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Fails where somebody waited for too long.
    pub fn is_as_promised(&self, name: &str, idle: &Self) {
        for (at, what) in WHAT.iter().enumerate() {
            let most = match at < API {
                true => (idle.percentile(at, 95) * API_TIMES).max(API_FLOOR_MS),
                false => ECHO_MS,
            };
            let p95 = self.percentile(at, 95);
            assert!(
                p95 <= most,
                "{name}: {what}: p95 {p95:.2} ms, {most:.2} ms at most"
            );
        }
    }

    /// The value that so many percent stay below, in milliseconds.
    fn percentile(&self, at: usize, percent: usize) -> f64 {
        let mut sorted = self.0[at].clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted[rank.max(1) - 1]
    }
}
