//! One's own account.

use std::net::IpAddr;

use app::model::{ErrorKind, Registration};

use crate::{
    auth::{
        AuthError, Caller,
        testing::{
            Browser, OTHER, PASSWORD, auth_on, auth_with, event_kinds, events, invites_guessed,
        },
    },
    db::{
        Db,
        testing::{each_db, texts},
        user::user_name_taken,
    },
    secret::Secret,
};

#[tokio::test]
async fn a_name_is_taken_once_also_when_twenty_ask_at_the_same_time() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        let asked: Vec<_> = (0..20)
            .map(|_| {
                let mut browser = Browser::new(&auth);
                tokio::spawn(async move { browser.register("ann", PASSWORD).await })
            })
            .collect();
        let mut made = 0;
        for asked in asked {
            match asked.await.unwrap() {
                Ok(()) => made += 1,
                Err(AuthError::NameTaken(name)) => assert_eq!(name, "ann"),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(made, 1);
        let made = event_kinds(&db)
            .await
            .iter()
            .filter(|kind| *kind == "account_create")
            .count();
        assert_eq!(made, 2, "ann and the admin");
    })
    .await;
}

#[tokio::test]
async fn bad_names_and_weak_passwords_are_refused_beside_their_field() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        for (name, password, code, field) in [
            ("ann!", PASSWORD, "name_invalid", Some("name")),
            ("1ann", PASSWORD, "name_invalid", Some("name")),
            ("", PASSWORD, "name_invalid", Some("name")),
            ("root", PASSWORD, "name_taken", Some("name")),
            ("admin", PASSWORD, "name_taken", Some("name")),
            ("ann", "short", "password_weak", None),
            ("ann", "aaaaaaaaaaaaaaaa", "password_weak", None),
            ("annabella-smith", "annabella-smith", "password_weak", None),
        ] {
            let error = Browser::new(&auth)
                .register(name, password)
                .await
                .unwrap_err();
            let error = error.answer(&Caller::default());
            assert_eq!(
                (error.code.as_str(), error.field.as_deref()),
                (code, field),
                "{name} {password}"
            );
            assert!(!error.message.contains(PASSWORD));
        }
        assert!(!user_name_taken(&db, "ann").await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn nobody_registers_where_it_is_closed() {
    each_db(async |db| {
        let auth = auth_with(db, |config| config.registration = Registration::Closed).await;
        let error = Browser::new(&auth)
            .register("ann", PASSWORD)
            .await
            .unwrap_err();
        assert!(matches!(error, AuthError::RegistrationClosed));
    })
    .await;
}

#[tokio::test]
async fn registration_by_invite_needs_the_code_and_guessing_it_is_slowed_down() {
    each_db(async |db| {
        let auth = auth_with(db, |config| {
            config.registration = Registration::Invite;
            config.invite_code = Some(Secret::new("open-sesame"));
        })
        .await;
        let with = async |address: IpAddr, name: &str, code: Option<&str>| {
            let browser = Browser {
                address,
                ..Browser::new(&auth)
            };
            let caller = browser.caller().await;
            auth.account_create(&caller, name, &Secret::new(PASSWORD), code)
                .await
        };
        let [here, there, elsewhere] = [1, 2, 3].map(|host| IpAddr::from([203, 0, 113, host]));
        for code in [None, Some(""), Some("open-sesam"), Some("OPEN-SESAME")] {
            assert!(
                matches!(with(here, "ann", code).await, Err(AuthError::InviteWrong)),
                "{code:?}"
            );
        }
        // Whoever else is in the room is not held up.
        with(here, "eve", Some("open-sesame")).await.unwrap();
        invites_guessed(&auth, there);
        for code in ["open-sesam", "open-sesame"] {
            assert!(matches!(
                with(there, "ann", Some(code)).await,
                Err(AuthError::TooMany(_))
            ));
        }
        with(elsewhere, "ann", Some(" open-sesame ")).await.unwrap();
        with(elsewhere, "bob", Some("open-sesame")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn changing_the_password_ends_all_other_login_sessions_and_changes_this_ones_cookie() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let before = Browser::registered(&auth, "ann").await;
        let phone = Browser::of(&auth, "ann", PASSWORD).await;
        let mut laptop = before.clone();
        let id = laptop.caller().await.login_session_id;
        laptop.password_change(PASSWORD, OTHER).await.unwrap();
        assert_eq!(laptop.name().await.as_deref(), Some("ann"));
        assert_eq!(
            laptop.caller().await.login_session_id,
            id,
            "what is open here stays open"
        );
        assert_eq!(before.name().await, None, "the old cookie is worth nothing");
        assert_eq!(phone.name().await, None);
        assert!(matches!(
            Browser::new(&auth).login("ann", PASSWORD).await,
            Err(AuthError::Wrong)
        ));
        Browser::new(&auth).login("ann", OTHER).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_password_is_changed_only_by_who_knows_it_and_for_a_good_other_one() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let mut ann = Browser::registered(&auth, "ann").await;
        assert!(matches!(
            ann.password_change(OTHER, OTHER).await,
            Err(AuthError::CurrentWrong)
        ));
        assert!(matches!(
            ann.password_change(PASSWORD, PASSWORD).await,
            Err(AuthError::PasswordSame)
        ));
        assert!(matches!(
            ann.password_change(PASSWORD, "short").await,
            Err(AuthError::PasswordWeak(_))
        ));
        let nobody = Browser::new(&auth)
            .password_change(PASSWORD, OTHER)
            .await
            .unwrap_err();
        assert_eq!(
            nobody.answer(&Caller::default()).kind,
            ErrorKind::Unauthenticated
        );
        Browser::new(&auth).login("ann", PASSWORD).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn of_two_password_changes_at_once_one_wins() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let ann = Browser::registered(&auth, "ann").await;
        let (mut one, mut two) = (ann.clone(), ann);
        let third = "velvet-lantern-orchard";
        let (first, second) = tokio::join!(
            one.password_change(PASSWORD, OTHER),
            two.password_change(PASSWORD, third)
        );
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        let winner = if first.is_ok() { OTHER } else { third };
        Browser::new(&auth).login("ann", winner).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_account_is_deleted_by_typing_yes_and_its_name_is_free_again() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        let ann = Browser::registered(&auth, "ann").await;
        let caller = ann.caller().await;
        for word in ["", "yes", "no", "YES!"] {
            assert!(matches!(
                auth.account_delete(&caller, word).await,
                Err(AuthError::Unconfirmed)
            ));
        }
        auth.account_delete(&caller, "YES").await.unwrap();
        assert_eq!(ann.name().await, None);
        assert!(matches!(
            Browser::new(&auth).login("ann", PASSWORD).await,
            Err(AuthError::Wrong)
        ));
        assert!(matches!(
            auth.account_delete(&caller, "YES").await,
            Err(AuthError::Raced)
        ));
        Browser::registered(&auth, "ann").await;
        let deleted = events(&db)
            .await
            .into_iter()
            .filter(|event| event.kind == "account_delete");
        assert_eq!(
            deleted.map(|event| event.actor).collect::<Vec<_>>(),
            ["ann"]
        );
    })
    .await;
}

/// Everything in the tables of accounts, as text.
async fn everything(db: &Db) -> String {
    let mut text = String::new();
    for sql in [
        "SELECT id || ' ' || name || ' ' || password_hash FROM users",
        "SELECT id || ' ' || token_hash || ' ' || address || ' ' || device FROM login_sessions",
        "SELECT kind || ' ' || actor || ' ' || subject || ' ' || COALESCE(detail, '') FROM events",
        "SELECT name || ' ' || value FROM settings",
    ] {
        text.extend(texts(db, sql).await.into_iter().map(|row| row + "\n"));
    }
    text
}

#[tokio::test]
async fn no_password_and_no_cookie_stands_in_the_database() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        let mut ann = Browser::registered(&auth, "ann").await;
        let first = ann.cookie.clone().unwrap();
        ann.password_change(PASSWORD, OTHER).await.unwrap();
        let second = ann.cookie.clone().unwrap();
        let admin = Browser::of(&auth, "admin", PASSWORD).await.caller().await;
        let one_time = auth.user_password_reset(&admin, "ann").await.unwrap();
        let made = auth.user_create(&admin, "id", "bob").await.unwrap();
        let text = everything(&db).await;
        assert!(
            text.contains("ann") && text.contains("$argon2id$"),
            "the search finds what is there"
        );
        let passwords = [PASSWORD, OTHER, &one_time, &made.password];
        for secret in [first.expose(), second.expose()].iter().chain(&passwords) {
            assert!(!text.contains(secret));
        }
    })
    .await;
}
