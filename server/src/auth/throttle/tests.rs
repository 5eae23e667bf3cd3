//! The throttle, with the time as an argument.

use super::*;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

/// Fails once; the seconds to wait where it was not let through.
fn fail(throttle: &Throttle, account: &str, address: IpAddr, now: i64) -> Result<(), u64> {
    throttle.login(account, address, false, now).map(drop)
}

#[test]
fn after_three_failures_each_next_one_doubles_the_wait() {
    let throttle = Throttle::default();
    for _ in 0..4 {
        assert_eq!(fail(&throttle, "ann", HERE, 0), Ok(()));
    }
    let mut now = 0;
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        assert_eq!(fail(&throttle, "ann", HERE, now), Err(wait));
        now += i64::try_from(wait).unwrap() * SECOND;
        assert_eq!(
            fail(&throttle, "ann", HERE, now),
            Ok(()),
            "let through after {wait} s"
        );
    }
}

#[test]
fn an_attacker_elsewhere_does_not_hold_the_owner_up() {
    let throttle = Throttle::default();
    while fail(&throttle, "ann", THERE, 0).is_ok() {}
    assert!(fail(&throttle, "ann", HERE, 0).is_ok());
    assert!(fail(&throttle, "bob", THERE, 0).is_ok());
}

#[test]
fn asking_while_one_must_wait_does_not_make_it_longer() {
    let throttle = Throttle::default();
    while fail(&throttle, "ann", HERE, 0).is_ok() {}
    for _ in 0..100 {
        assert_eq!(fail(&throttle, "ann", HERE, 0), Err(1));
    }
    assert!(fail(&throttle, "ann", HERE, SECOND).is_ok());
}

#[test]
fn a_thousand_attempts_at_once_are_four_guesses() {
    let throttle = Throttle::default();
    let open: Vec<_> = (0..1000)
        .filter_map(|_| throttle.login("ann", HERE, true, 0).ok())
        .collect();
    assert_eq!(open.len(), 4);
}

#[test]
fn a_success_clears_the_count() {
    let throttle = Throttle::default();
    for _ in 0..3 {
        assert!(fail(&throttle, "ann", HERE, 0).is_ok());
    }
    throttle
        .login("ann", HERE, false, 0)
        .map(Attempt::succeeded)
        .unwrap();
    for _ in 0..4 {
        assert!(fail(&throttle, "ann", HERE, 0).is_ok());
    }
}

#[test]
fn a_fault_of_ours_is_not_held_against_anybody() {
    let throttle = Throttle::default();
    for _ in 0..500 {
        throttle
            .login("ann", HERE, false, 0)
            .map(Attempt::undone)
            .unwrap();
    }
}

#[test]
fn forty_people_behind_one_address_sign_in_within_a_minute_with_a_mistake_each() {
    let throttle = Throttle::default();
    for person in 0..40 {
        let name = format!("pupil-{person}");
        let now = person * 60 * SECOND / 40;
        assert_eq!(fail(&throttle, &name, HERE, now), Ok(()), "{name} mistypes");
        assert_eq!(
            throttle
                .login(&name, HERE, false, now)
                .map(Attempt::succeeded),
            Ok(())
        );
    }
}

#[test]
fn one_address_cannot_try_many_accounts_but_known_people_pass() {
    let throttle = Throttle::default();
    let tried = (0..1000)
        .filter(|n| fail(&throttle, &format!("user-{n}"), HERE, 0).is_ok())
        .count();
    assert_eq!(tried, 60);
    assert_eq!(fail(&throttle, "ann", HERE, 0), Err(1));
    assert!(
        throttle.login("ann", HERE, true, 0).is_ok(),
        "signed in from here before"
    );
    assert!(
        fail(&throttle, "ann", HERE, SECOND).is_ok(),
        "a second gives one back"
    );
}

#[test]
fn a_class_registers_at_once_and_a_script_does_not() {
    let throttle = Throttle::default();
    let made = (0..1000)
        .filter(|_| throttle.register(HERE, 0).is_ok())
        .count();
    assert_eq!(made, 60);
    assert_eq!(throttle.register(HERE, 0), Err(10));
    assert!(throttle.register(THERE, 0).is_ok());
}

#[test]
fn one_ipv6_customer_is_one_address() {
    let throttle = Throttle::default();
    let one: IpAddr = "2001:db8:1:2::1".parse().unwrap();
    let two: IpAddr = "2001:db8:1:2:ffff::9".parse().unwrap();
    while fail(&throttle, "ann", one, 0).is_ok() {}
    assert!(fail(&throttle, "ann", two, 0).is_err());
    assert!(fail(&throttle, "ann", "2001:db8:1:3::1".parse().unwrap(), 0).is_ok());
}

#[test]
fn memory_is_bounded_whatever_is_tried() {
    let throttle = Throttle::default();
    for n in 0..ENTRIES_MAX + 5_000 {
        let address = IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
        let _ = fail(&throttle, "ann", address, i64::try_from(n).unwrap());
    }
    let counts = throttle.counts();
    assert!(counts.pairs.len() <= ENTRIES_MAX && counts.logins.len() <= ENTRIES_MAX);
}

#[test]
fn a_sign_in_that_cannot_be_guessed_counts_only_when_it_has_failed() {
    let throttle = Throttle::default();
    // Fifty at once, none of which has ended yet.
    for _ in 0..50 {
        assert_eq!(throttle.login_wait("ann", HERE, 0), None);
    }
    for _ in 0..4 {
        throttle.login_failed("ann", HERE, 0);
    }
    assert_eq!(throttle.login_wait("ann", HERE, 0), Some(1));
    assert_eq!(throttle.login_wait("ann", THERE, 0), None);
    assert_eq!(throttle.login_wait("bob", HERE, 0), None);
    throttle.login_forgive("ann", HERE);
    assert_eq!(throttle.login_wait("ann", HERE, 0), None);
    for n in 0..100 {
        throttle.login_failed(&format!("name-{n}"), HERE, 0);
    }
    assert_eq!(throttle.login_wait("bob", HERE, 0), Some(1));
    assert_eq!(throttle.login_wait("bob", HERE, SECOND), None);
}

#[test]
fn wrong_invite_codes_of_an_address_have_a_budget_and_right_ones_cost_nothing() {
    let throttle = Throttle::default();
    for _ in 0..INVITE.size {
        assert_eq!(throttle.invite(HERE, true, 0), Ok(()));
        assert_eq!(throttle.invite(HERE, false, 0), Ok(()));
    }
    assert_eq!(throttle.invite(HERE, false, 0), Err(10));
    assert_eq!(throttle.invite(HERE, true, 0), Err(10));
    assert_eq!(throttle.invite(THERE, false, 0), Ok(()));
    assert_eq!(throttle.invite(HERE, true, 10 * SECOND), Ok(()));
    assert!(fail(&throttle, "ann", HERE, 0).is_ok());
}
