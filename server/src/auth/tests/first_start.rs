//! The first admin.

use std::net::IpAddr;

use app::model::{ErrorKind, Role};

use crate::{
    auth::{
        Auth, AuthError, Caller,
        testing::{Browser, OTHER, PASSWORD, auth_on, auth_with},
    },
    db::testing::each_db,
    secret::Secret,
};

async fn fresh(db: crate::db::Db) -> Auth {
    auth_with(db, |_| {}).await
}

#[tokio::test]
async fn admin_admin_is_accepted_from_this_machine_only() {
    each_db(async |db| {
        let auth = fresh(db).await;
        let here = Browser::new(&auth);
        let lan = IpAddr::from([192, 168, 1, 7]);
        let unspecified = IpAddr::from([0, 0, 0, 0]);
        let mut answers = Vec::new();
        for mut elsewhere in [
            Browser {
                forwarded: true,
                ..here.clone()
            },
            Browser {
                host: "cloud.example",
                ..here.clone()
            },
            Browser {
                host: "192.168.1.5:5555",
                ..here.clone()
            },
            Browser {
                address: lan,
                ..here.clone()
            },
            Browser {
                address: unspecified,
                ..here.clone()
            },
        ] {
            let error = elsewhere.login("admin", "admin").await.unwrap_err();
            assert!(elsewhere.cookie.is_none());
            answers.push(error.answer(&Caller::default()));
        }
        let wrong = Browser::new(&auth)
            .login("admin", "wrong")
            .await
            .unwrap_err();
        answers.push(wrong.answer(&Caller::default()));
        answers.dedup();
        assert_eq!(answers.len(), 1, "the answer is that to a wrong password");
        let mut six = Browser {
            address: "::1".parse().unwrap(),
            host: "[::1]:5555",
            ..here
        };
        assert_eq!(six.login("admin", "admin").await.unwrap(), Role::Admin);
    })
    .await;
}

#[tokio::test]
async fn the_cookie_of_the_first_start_is_good_on_this_machine_only() {
    each_db(async |db| {
        let auth = fresh(db).await;
        let here = Browser::of(&auth, "admin", "admin").await;
        assert_eq!(here.name().await.as_deref(), Some("admin"));
        let taken = Browser {
            address: IpAddr::from([192, 168, 1, 7]),
            ..here.clone()
        };
        assert_eq!(taken.name().await, None);
        assert_eq!(
            Browser {
                forwarded: true,
                ..here
            }
            .name()
            .await,
            None
        );
    })
    .await;
}

#[tokio::test]
async fn admin_admin_can_do_nothing_but_choose_a_password() {
    each_db(async |db| {
        let auth = fresh(db).await;
        let mut admin = Browser::of(&auth, "admin", "admin").await;
        let caller = admin.caller().await;
        assert!(caller.must_change_password && caller.first_start);
        assert_eq!(caller.require().unwrap_err().code, "must_change_password");
        let refused = [
            auth.user_list(&caller).await.map(drop),
            auth.login_session_list(&caller).await.map(drop),
            auth.account_delete(&caller, "YES").await.map(drop),
            auth.user_password_reset(&caller, "admin").await.map(drop),
            auth.user_create(&caller, "id", "ann").await.map(drop),
        ];
        for refused in refused {
            let kind = refused.unwrap_err().answer(&caller).kind;
            assert!(matches!(kind, ErrorKind::Forbidden | ErrorKind::NotFound));
        }
        assert!(auth.first_start_pending().await.unwrap());
        admin.password_change("admin", PASSWORD).await.unwrap();
        assert!(!auth.first_start_pending().await.unwrap());
        let caller = admin.caller().await;
        assert!(!caller.must_change_password && !caller.first_start);
        assert_eq!(auth.user_list(&caller).await.unwrap().len(), 1);
        let mut far = Browser {
            address: IpAddr::from([192, 168, 1, 7]),
            ..Browser::new(&auth)
        };
        far.login("admin", PASSWORD).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_restart_makes_no_second_admin_and_keeps_the_chosen_password() {
    each_db(async |db| {
        let auth = fresh(db.clone()).await;
        let mut admin = Browser::of(&auth, "admin", "admin").await;
        admin.password_change("admin", PASSWORD).await.unwrap();
        let again = auth_with(db, |config| {
            config.admin_password = Some(Secret::new(OTHER))
        })
        .await;
        Browser::of(&again, "admin", PASSWORD).await;
        assert!(matches!(
            Browser::new(&again).login("admin", OTHER).await,
            Err(AuthError::Wrong)
        ));
    })
    .await;
}

#[tokio::test]
async fn a_configured_password_takes_the_place_of_admin_admin_before_and_after_the_first_start() {
    each_db(async |db| {
        let waiting = fresh(db.clone()).await;
        let pending = Browser::of(&waiting, "admin", "admin").await;
        let auth = auth_on(db).await;
        assert!(!auth.first_start_pending().await.unwrap());
        assert_eq!(pending.name().await, None);
        assert!(matches!(
            Browser::new(&auth).login("admin", "admin").await,
            Err(AuthError::Wrong)
        ));
        let admin = Browser::of(&auth, "admin", PASSWORD).await.caller().await;
        assert!(!admin.must_change_password);
    })
    .await;
}

#[tokio::test]
async fn a_weak_configured_password_is_refused_at_the_start() {
    each_db(async |db| {
        let config = crate::config::Config {
            admin_password: Some(Secret::new("password")),
            ..Default::default()
        };
        let error = Auth::start(db.clone(), std::sync::Arc::new(config))
            .await
            .err()
            .unwrap();
        assert!(
            error
                .to_string()
                .starts_with("MINICLOUD_ADMIN_PASSWORD is too weak"),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn whoever_has_the_host_can_let_an_admin_in_again() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let before = Browser::of(&auth, "admin", PASSWORD).await;
        let one_time = auth.user_password_reset_on_host("admin").await.unwrap();
        assert_eq!(before.name().await, None);
        let mut admin = Browser::of(&auth, "admin", &one_time).await;
        assert!(admin.caller().await.must_change_password);
        admin.password_change(&one_time, OTHER).await.unwrap();
        assert!(!admin.caller().await.must_change_password);
        let nobody = auth.user_password_reset_on_host("nobody-here").await;
        assert!(matches!(nobody, Err(AuthError::NoUser(_))));
    })
    .await;
}
