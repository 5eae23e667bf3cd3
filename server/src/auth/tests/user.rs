//! Users, as admins manage them.

use app::model::{ErrorKind, QuotaForm, Registration, Role};

use crate::{
    auth::{
        Auth, AuthError, Caller,
        testing::{Browser, PASSWORD, auth_on, auth_with, event_kinds, events},
    },
    db::testing::each_db,
    secret::Secret,
};

async fn admin(auth: &Auth) -> Caller {
    Browser::of(auth, "admin", PASSWORD).await.caller().await
}

const QUOTA: QuotaForm = QuotaForm {
    vms: 7,
    cpu_millis: 500,
    memory_mib: 256,
    disk_gib: 2,
};

#[tokio::test]
async fn only_admins_manage_users_and_others_learn_nothing() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let ann = Browser::registered(&auth, "ann").await;
        for caller in [ann.caller().await, Caller::default()] {
            let refused = [
                auth.user_list(&caller).await.map(drop),
                auth.user_disable(&caller, "admin", true).await.map(drop),
                auth.user_role(&caller, "ann", Role::Admin).await.map(drop),
                auth.user_quota(&caller, "ann", QUOTA).await.map(drop),
                auth.user_password_reset(&caller, "admin").await.map(drop),
                auth.user_create(&caller, "id", "zoe").await.map(drop),
            ];
            for refused in refused {
                assert_eq!(
                    refused.unwrap_err().answer(&caller).kind,
                    ErrorKind::NotFound
                );
            }
        }
        let admin = admin(&auth).await;
        let users = auth.user_list(&admin).await.unwrap();
        let shown: Vec<_> = users
            .iter()
            .map(|user| (user.name.as_str(), user.role, user.is_viewer))
            .collect();
        assert_eq!(
            shown,
            [("admin", Role::Admin, true), ("ann", Role::Member, false)]
        );
    })
    .await;
}

#[tokio::test]
async fn a_disabled_user_is_out_until_enabled_again() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        let ann = Browser::registered(&auth, "ann").await;
        let caller = ann.caller().await;
        let mut open = auth.revocations();
        let admin = admin(&auth).await;
        let (view, _) = auth.user_disable(&admin, "ann", true).await.unwrap();
        assert!(view.disabled);
        assert_eq!(ann.name().await, None);
        // Before the table is asked again, which is every four seconds.
        let at_once = std::time::Duration::from_secs(3);
        assert!(
            tokio::time::timeout(at_once, open.wait(&caller))
                .await
                .is_ok()
        );
        assert!(matches!(
            Browser::new(&auth).login("ann", PASSWORD).await,
            Err(AuthError::Disabled)
        ));
        assert!(matches!(
            Browser::new(&auth).login("ann", "wrong").await,
            Err(AuthError::Wrong)
        ));
        auth.user_disable(&admin, "ann", false).await.unwrap();
        assert_eq!(ann.name().await, None, "the old login session stays ended");
        Browser::of(&auth, "ann", PASSWORD).await;
        let kinds = event_kinds(&db).await;
        assert!(kinds.contains(&"user_disable".into()) && kinds.contains(&"user_enable".into()));
    })
    .await;
}

#[tokio::test]
async fn a_role_counts_from_the_next_request_on() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let ann = Browser::registered(&auth, "ann").await;
        let admin = admin(&auth).await;
        auth.user_role(&admin, "ann", Role::Admin).await.unwrap();
        assert!(ann.caller().await.require_admin().is_ok());
        auth.user_role(&admin, "ann", Role::Member).await.unwrap();
        assert!(ann.caller().await.require_admin().is_err());
    })
    .await;
}

#[tokio::test]
async fn a_reset_password_works_once_and_must_be_changed() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let before = Browser::registered(&auth, "ann").await;
        let admin = admin(&auth).await;
        let one_time = auth.user_password_reset(&admin, "ann").await.unwrap();
        assert_eq!(before.name().await, None);
        assert!(matches!(
            Browser::new(&auth).login("ann", PASSWORD).await,
            Err(AuthError::Wrong)
        ));
        let mut ann = Browser::of(&auth, "ann", &one_time).await;
        assert_eq!(
            ann.caller().await.require().unwrap_err().code,
            "must_change_password"
        );
        ann.password_change(&one_time, PASSWORD).await.unwrap();
        assert!(ann.caller().await.require().is_ok());
        assert!(matches!(
            Browser::new(&auth).login("ann", &one_time).await,
            Err(AuthError::Wrong)
        ));
    })
    .await;
}

#[tokio::test]
async fn who_is_added_where_registration_is_closed_chooses_a_password_at_the_first_sign_in() {
    each_db(async |db| {
        let auth = auth_with(db.clone(), |config| {
            config.admin_password = Some(Secret::new(PASSWORD));
            config.registration = Registration::Closed;
        })
        .await;
        let admin = admin(&auth).await;
        let made = auth.user_create(&admin, "id", "ann").await.unwrap();
        assert_eq!(made.user.role, Role::Member);
        assert!(made.user.must_change_password && !made.user.is_viewer);
        assert_eq!((made.user.quota.vms, made.user.quota.vms_max), (0, 5));
        let mut ann = Browser::of(&auth, "ann", &made.password).await;
        assert_eq!(
            ann.caller().await.require().unwrap_err().code,
            "must_change_password"
        );
        ann.password_change(&made.password, PASSWORD).await.unwrap();
        assert!(ann.caller().await.require().is_ok());
        assert!(matches!(
            Browser::new(&auth).login("ann", &made.password).await,
            Err(AuthError::Wrong)
        ));
        let events = events(&db).await;
        let told = events.iter().find(|event| event.kind == "user_create");
        let told = told.map(|event| (event.actor.as_str(), event.subject.as_str()));
        assert_eq!(told, Some(("admin", "ann")));
    })
    .await;
}

#[tokio::test]
async fn a_user_is_added_once_and_under_a_name_that_is_good_and_free() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        Browser::registered(&auth, "ann").await;
        let admin = admin(&auth).await;
        let add = async |id: &str, name: &str| auth.user_create(&admin, id, name).await;
        for taken in ["ann", "admin", "root"] {
            let refused = add("1", taken).await;
            assert!(matches!(refused, Err(AuthError::NameTaken(name)) if name == taken));
        }
        for wrong in ["", "Ann", "1x", " zoe", "a_b"] {
            assert!(matches!(add("1", wrong).await, Err(AuthError::Name(_))));
        }
        add("1", "zoe").await.unwrap();
        assert!(matches!(add("1", "zoe").await, Err(AuthError::UserMade)));
        let again = add("2", "zoe").await;
        assert!(matches!(again, Err(AuthError::NameTaken(_))));
        let kinds = event_kinds(&db).await;
        let made = kinds.iter().filter(|kind| *kind == "user_create");
        assert_eq!(made.count(), 1, "what is refused is no event");
    })
    .await;
}

#[tokio::test]
async fn of_two_admins_who_add_one_name_at_once_one_does() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let admin = admin(&auth).await;
        let (one, two) = tokio::join!(
            auth.user_create(&admin, "1", "zoe"),
            auth.user_create(&admin, "2", "zoe")
        );
        let refused = match (one, two) {
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
            both => panic!("{both:?}"),
        };
        assert!(matches!(refused, AuthError::NameTaken(_)), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_quota_is_set_within_reason() {
    each_db(async |db| {
        let auth = auth_on(db).await;
        let ann = Browser::registered(&auth, "ann").await;
        let admin = admin(&auth).await;
        let quota = auth
            .viewer(&ann.caller().await)
            .await
            .unwrap()
            .unwrap()
            .quota;
        assert_eq!((quota.vms, quota.vms_max), (0, 5));
        assert_eq!(
            auth.user_quota(&admin, "ann", QUOTA)
                .await
                .unwrap()
                .quota
                .vms_max,
            7
        );
        let huge = QuotaForm {
            vms: u32::MAX,
            ..QUOTA
        };
        assert!(matches!(
            auth.user_quota(&admin, "ann", huge).await,
            Err(AuthError::QuotaTooLarge(_))
        ));
        let nobody = auth.user_quota(&admin, "nobody-here", QUOTA).await;
        assert!(matches!(nobody, Err(AuthError::NoUser(_))));
    })
    .await;
}

#[tokio::test]
async fn the_last_admin_stays() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        let admin = admin(&auth).await;
        let refused = [
            auth.user_disable(&admin, "admin", true).await.map(drop),
            auth.user_role(&admin, "admin", Role::Member)
                .await
                .map(drop),
            auth.account_delete(&admin, "YES").await.map(drop),
        ];
        for refused in refused {
            assert!(matches!(refused, Err(AuthError::LastAdmin(name)) if name == "admin"));
        }
        Browser::registered(&auth, "ann").await;
        auth.user_role(&admin, "ann", Role::Admin).await.unwrap();
        auth.user_disable(&admin, "ann", true).await.unwrap();
        let alone = auth.user_role(&admin, "admin", Role::Member).await;
        assert!(
            matches!(alone, Err(AuthError::LastAdmin(_))),
            "a disabled admin does not count"
        );
        assert!(
            Browser::of(&auth, "admin", PASSWORD)
                .await
                .caller()
                .await
                .require_admin()
                .is_ok()
        );
    })
    .await;
}

#[tokio::test]
async fn of_two_admins_who_remove_each_other_at_once_one_stays() {
    each_db(async |db| {
        let auth = auth_on(db.clone()).await;
        let first = admin(&auth).await;
        let ann = Browser::registered(&auth, "ann").await;
        auth.user_role(&first, "ann", Role::Admin).await.unwrap();
        let second = ann.caller().await;
        for round in 0..10 {
            let (one, two) = tokio::join!(
                auth.user_role(&first, "ann", Role::Member),
                auth.user_disable(&second, "admin", true)
            );
            assert!(one.is_ok() != two.is_ok(), "round {round}: {one:?} {two:?}");
            if one.is_ok() {
                auth.user_role(&first, "ann", Role::Admin).await.unwrap();
            } else {
                auth.user_disable(&second, "admin", false).await.unwrap();
            }
        }
        let (one, two) = tokio::join!(
            auth.account_delete(&first, "YES"),
            auth.account_delete(&second, "YES")
        );
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    })
    .await;
}
