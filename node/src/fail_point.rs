//! Places where the node can be made to die, as the server can (`server/src/control/fail_point.rs`), to see that what
//! it leaves behind is mended.

use std::sync::OnceLock;

/// Dies here when `MINICLOUD_FAIL_POINT` is this name (`vm_create:before_engine`). Otherwise does nothing.
pub fn fail_point(name: &str) {
    static ARMED: OnceLock<Option<String>> = OnceLock::new();
    let armed = ARMED.get_or_init(|| std::env::var("MINICLOUD_FAIL_POINT").ok());
    if armed.as_deref() == Some(name) {
        // Past the log layers, which may hold lines back: the proof that it was hit.
        eprintln!("fail point {name} hit: the process dies here");
        std::process::abort();
    }
}
