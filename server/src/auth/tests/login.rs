//! Signing in, staying so, signing out.

use std::{net::IpAddr, time::Duration};

use app::model::Role;

use crate::{
    auth::{
        Auth, AuthError, Caller,
        testing::{Browser, OTHER, PASSWORD, auth_on, event_kinds, guessed},
    },
    clock,
    db::{
        Db,
        login_session::{login_session_active, login_session_find},
        testing::{each_db, eventually},
    },
};

#[tokio::test]
async fn who_registers_is_signed_in_and_signs_out_and_in_again() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        let mut ann = Browser::registered(&auth, "ann").await;
        assert_eq!(ann.name().await.as_deref(), Some("ann"));
        let caller = ann.caller().await;
        auth.logout(&caller).await.unwrap();
        assert_eq!(
            ann.name().await,
            None,
            "the cookie is worth nothing any more"
        );
        ann.keep(&caller);
        assert!(ann.cookie.is_none(), "and the browser has none");
        assert_eq!(ann.login(" Ann ", PASSWORD).await.unwrap(), Role::Member);
        assert_eq!(ann.name().await.as_deref(), Some("ann"));
        let kinds = event_kinds(&db).await;
        assert_eq!(
            kinds,
            ["account_create", "account_create", "logout", "login"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_name_get_the_same_answer() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        Browser::registered(&auth, "ann").await;
        let mut answers = Vec::new();
        for (name, password) in [
            ("ann", OTHER),
            ("bob", PASSWORD),
            ("ann", ""),
            ("Ann!", PASSWORD),
            ("", ""),
        ] {
            let mut browser = Browser::new(&auth);
            let error = browser.login(name, password).await.unwrap_err();
            assert!(browser.cookie.is_none(), "{name}");
            answers.push(error.answer(&Caller::default()));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(answers[0].code, "wrong_password");
        eventually("the failures are noted for ann", async || {
            event_kinds(&db)
                .await
                .iter()
                .filter(|kind| *kind == "login_failed")
                .count()
                == 2
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_name_that_does_not_exist_takes_as_long_as_a_wrong_password() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        // The quickest of each: what else the machine does only makes some slower, and with more rounds
        // what is left is what a login takes.
        let mut quickest = [Duration::MAX; 2];
        let is_alike = |[known, unknown]: [Duration; 2]| unknown > known / 2 && unknown < known * 2;
        for round in 0..60 {
            for (which, name) in ["admin", "nobody-here"].into_iter().enumerate() {
                let mut browser = Browser::new(&auth);
                // Each from another address: the throttle is not what is measured.
                browser.address = IpAddr::from([10, 0, which as u8, round]);
                let begun = std::time::Instant::now();
                assert!(matches!(
                    browser.login(name, OTHER).await,
                    Err(AuthError::Wrong)
                ));
                quickest[which] = quickest[which].min(begun.elapsed());
            }
            if round >= 5 && is_alike(quickest) {
                break;
            }
        }
        println!(
            "a wrong password took {:?}, a name that is not there {:?}",
            quickest[0], quickest[1]
        );
        assert!(is_alike(quickest), "{quickest:?}");
    })
    .await;
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_owner_elsewhere_is_not() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let mut ann = Browser::registered(&auth, "ann").await;
        let mut thief = Browser {
            address: IpAddr::from([203, 0, 113, 9]),
            ..Browser::new(&auth)
        };
        // The first mistakes cost no wait.
        for _ in 0..4 {
            assert!(matches!(
                thief.login("ann", OTHER).await,
                Err(AuthError::Wrong)
            ));
        }
        thief.address = IpAddr::from([203, 0, 113, 10]);
        guessed(&auth, "ann", thief.address);
        assert!(matches!(
            thief.login("ann", OTHER).await,
            Err(AuthError::Wrong)
        ));
        let caller = thief.caller().await;
        let error = thief
            .login("ann", PASSWORD)
            .await
            .unwrap_err()
            .answer(&caller);
        assert_eq!(error.kind.status(), 429, "even with the right one");
        assert!(caller.retry_after().is_some());
        ann.login("ann", PASSWORD).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn signing_in_anew_gives_another_cookie_and_ends_the_old_one() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let before = Browser::registered(&auth, "ann").await;
        let mut after = before.clone();
        after.login("ann", PASSWORD).await.unwrap();
        assert!(
            !after
                .cookie
                .as_ref()
                .unwrap()
                .is(before.cookie.as_ref().unwrap().expose())
        );
        assert_eq!(before.name().await, None);
        assert_eq!(after.name().await.as_deref(), Some("ann"));
    })
    .await;
}

#[tokio::test]
async fn a_made_up_cookie_is_nobodys() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let ann = Browser::registered(&auth, "ann").await;
        let hash = crate::auth::token::token_hash(ann.cookie.as_ref().unwrap());
        for made_up in ["0".repeat(64), hash.expose().to_owned()] {
            let browser = Browser {
                cookie: Some(crate::secret::Secret::new(made_up)),
                ..Browser::new(&auth)
            };
            assert_eq!(browser.name().await, None);
        }
    })
    .await;
}

#[tokio::test]
async fn a_user_sees_and_ends_their_own_login_sessions_only() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let laptop = Browser::registered(&auth, "ann").await;
        let phone = Browser::of(&auth, "ann", PASSWORD).await;
        let bob = Browser::registered(&auth, "bob").await;
        let list = auth
            .login_session_list(&laptop.caller().await)
            .await
            .unwrap();
        assert_eq!(list.len(), 2);
        assert!(
            list.iter()
                .all(|session| session.device == "Firefox on Linux")
        );
        assert_eq!(list.iter().filter(|session| session.current).count(), 1);
        let other = &list.iter().find(|session| !session.current).unwrap().id;
        let stolen = auth.login_session_delete(&bob.caller().await, other).await;
        assert!(matches!(stolen, Err(AuthError::NoLoginSession)));
        assert_eq!(phone.name().await.as_deref(), Some("ann"));
        auth.login_session_delete(&laptop.caller().await, other)
            .await
            .unwrap();
        assert_eq!(phone.name().await, None);
        assert_eq!(laptop.name().await.as_deref(), Some("ann"));
    })
    .await;
}

#[tokio::test]
async fn the_longest_unused_of_twenty_login_sessions_goes_first() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let first = Browser::registered(&auth, "ann").await;
        let second = Browser::of(&auth, "ann", PASSWORD).await;
        for _ in 0..19 {
            Browser::of(&auth, "ann", PASSWORD).await;
        }
        assert_eq!(first.name().await, None);
        let list = auth
            .login_session_list(&second.caller().await)
            .await
            .unwrap();
        assert_eq!(list.len(), 20);
    })
    .await;
}

/// Moves the login session of a browser back in time.
async fn age(db: &Db, browser: &Browser, active_at: i64, expires_at: i64) -> String {
    let id = browser.caller().await.login_session_id.unwrap();
    let mut tx = db.write().await.unwrap();
    login_session_active(&mut tx, &id, active_at, expires_at)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn a_login_session_ends_after_thirty_unused_days_and_not_while_it_is_used() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        let day = 24 * 3600 * clock::SECOND;
        let ann = Browser::registered(&auth, "ann").await;
        let now = clock::now();
        age(&db, &ann, now - 29 * day, now + day).await;
        let caller = ann.caller().await;
        assert!(caller.actor.is_some());
        assert_eq!(
            caller.cookies_take().len(),
            1,
            "the browser gets the cookie for another 30 days"
        );
        let hash = crate::auth::token::token_hash(ann.cookie.as_ref().unwrap());
        eventually("its end moves on", async || {
            let found = login_session_find(&db, &hash, clock::now())
                .await
                .unwrap()
                .unwrap();
            found.expires_at > now + 29 * day && found.active_at >= now
        })
        .await;
        age(&db, &ann, now - 30 * day, now - 1).await;
        assert_eq!(ann.name().await, None);
    })
    .await;
}

/// True when what the caller holds open ends within that time.
async fn ends_within(auth: &Auth, caller: &Caller, time: Duration) -> bool {
    tokio::time::timeout(time, auth.revocations().wait(caller))
        .await
        .is_ok()
}

/// Before the table is asked again, which is every four seconds.
const AT_ONCE: Duration = Duration::from_secs(3);

#[tokio::test]
async fn what_is_open_ends_at_once_when_its_login_session_does() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let ann = Browser::registered(&auth, "ann").await;
        let bob = Browser::registered(&auth, "bob").await;
        let (ann, bob) = (ann.caller().await, bob.caller().await);
        let (mut of_ann, mut of_bob) = (auth.revocations(), auth.revocations());
        let quiet = tokio::time::timeout(Duration::from_millis(50), of_ann.wait(&ann)).await;
        assert!(quiet.is_err());
        auth.logout(&ann).await.unwrap();
        assert!(
            tokio::time::timeout(AT_ONCE, of_ann.wait(&ann))
                .await
                .is_ok()
        );
        let other = tokio::time::timeout(Duration::from_millis(50), of_bob.wait(&bob)).await;
        assert!(other.is_err(), "bob's goes on");
        assert!(
            ends_within(&auth, &ann, AT_ONCE).await,
            "nothing can be opened after the end"
        );
        assert!(
            ends_within(&auth, &Caller::default(), AT_ONCE).await,
            "nor by nobody"
        );
    })
    .await;
}

/// The promise is five seconds; four times that is the test's patience.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_is_open_ends_within_five_seconds_when_another_process_ended_it() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        let beside = auth_on(db).await;
        let ann = Browser::registered(&auth, "ann").await.caller().await;
        let mut open = auth.revocations();
        assert!(
            tokio::time::timeout(Duration::from_millis(50), open.wait(&ann))
                .await
                .is_err()
        );
        beside.user_password_reset_on_host("ann").await.unwrap();
        let begun = std::time::Instant::now();
        assert!(
            tokio::time::timeout(PATIENCE, open.wait(&ann))
                .await
                .is_ok()
        );
        println!("what was open ended after {:?}", begun.elapsed());
    })
    .await;
}
