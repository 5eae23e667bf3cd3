//! Places where the process can be made to die, to see that what it leaves behind is mended.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

/// Which point, and at which hit of it.
struct Armed {
    name: String,
    hit: u64,
    hits: AtomicU64,
}

/// Dies here when `MINICLOUD_FAIL_POINT` is this name (`vm_create:before_commit`), or this name and
/// a number (`vm_create:before_commit:3`: at the third hit). Otherwise does nothing.
pub fn fail_point(name: &str) {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    let armed = ARMED.get_or_init(|| parse(&std::env::var("MINICLOUD_FAIL_POINT").ok()?));
    let Some(armed) = armed.as_ref().filter(|armed| armed.name == name) else {
        return;
    };
    if armed.hits.fetch_add(1, Ordering::SeqCst) + 1 == armed.hit {
        // Past the log layers, which may hold lines back: the proof that it was hit.
        eprintln!("fail point {name} hit: the process dies here");
        std::process::abort();
    }
}

fn parse(text: &str) -> Option<Armed> {
    let (name, hit) = match text.rsplit_once(':') {
        Some((name, hit)) if hit.parse::<u64>().is_ok() => (name, hit.parse().ok()?),
        _ => (text, 1),
    };
    (!name.is_empty()).then(|| Armed {
        name: name.to_owned(),
        hit,
        hits: AtomicU64::new(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_named_with_or_without_the_hit() {
        let armed = |text| parse(text).map(|armed| (armed.name, armed.hit));
        assert_eq!(
            armed("vm_stop:after_commit"),
            Some(("vm_stop:after_commit".into(), 1))
        );
        assert_eq!(
            armed("vm_stop:after_commit:7"),
            Some(("vm_stop:after_commit".into(), 7))
        );
        assert_eq!(armed(""), None);
    }
}
