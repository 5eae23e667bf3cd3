//! Who may see a page. The server decides again wherever data is read; this decides what is drawn.

use leptos::prelude::*;

use super::ErrorView;
use crate::{
    model::{AppError, Viewer},
    nav::{Go, GoSignIn},
    page::NotFound,
    visit::{Visit, use_visit},
};

/// Whom a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Who is not signed in; others are sent home.
    Anonymous,
    /// Who is signed in and has a password of their own.
    Member,
    /// Who is signed in, also while the password must be changed.
    SignedIn,
    /// Admins; for others the page does not exist.
    Admin,
}

/// Draws the page for whom it is for, and sends the others where they belong.
#[component]
pub fn Guard<V>(
    access: Access,
    /// Draws the page. Resources are made outside of it: the server draws it several times, and
    /// each time would ask again.
    page: V,
) -> impl IntoView
where
    V: Fn(Visit) -> AnyView + Clone + Send + Sync + 'static,
{
    let visit = use_visit();
    view! {
        <Transition>
            {move || {
                let page = page.clone();
                Suspend::new(async move { admit(access, visit.await, page) })
            }}
        </Transition>
    }
}

fn admit(
    access: Access,
    visit: Result<Visit, AppError>,
    page: impl Fn(Visit) -> AnyView,
) -> AnyView {
    let visit = match visit {
        Ok(visit) => visit,
        Err(error) => return view! { <ErrorView error /> }.into_any(),
    };
    match decide(access, visit.viewer.as_ref(), visit.is_admin()) {
        Decision::Show => page(visit),
        Decision::SignIn => view! { <GoSignIn /> }.into_any(),
        Decision::Go(to) => view! { <Go to /> }.into_any(),
        Decision::NotFound => view! { <NotFound /> }.into_any(),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Show,
    SignIn,
    Go(&'static str),
    NotFound,
}

fn decide(access: Access, viewer: Option<&Viewer>, is_admin: bool) -> Decision {
    match (access, viewer) {
        (Access::Anonymous, None) => Decision::Show,
        (_, None) => Decision::SignIn,
        (Access::SignedIn, Some(_)) => Decision::Show,
        (_, Some(viewer)) if viewer.must_change_password => Decision::Go("/account/password"),
        (Access::Anonymous, Some(_)) if is_admin => Decision::Go("/admin"),
        (Access::Anonymous, Some(_)) => Decision::Go("/"),
        (Access::Admin, Some(_)) if !is_admin => Decision::NotFound,
        (Access::Member | Access::Admin, Some(_)) => Decision::Show,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{QuotaUsage, Role};

    fn viewer(role: Role, must_change_password: bool) -> Viewer {
        Viewer {
            name: "ann".into(),
            role,
            must_change_password,
            quota: QuotaUsage::default(),
            ssh: None,
        }
    }

    #[test]
    fn an_admin_page_does_not_exist_for_a_member() {
        let member = viewer(Role::Member, false);
        assert_eq!(
            decide(Access::Admin, Some(&member), false),
            Decision::NotFound
        );
    }

    #[test]
    fn who_must_change_the_password_reaches_nothing_else() {
        let fresh = viewer(Role::Admin, true);
        for access in [Access::Anonymous, Access::Member, Access::Admin] {
            assert_eq!(
                decide(access, Some(&fresh), true),
                Decision::Go("/account/password")
            );
        }
        assert_eq!(decide(Access::SignedIn, Some(&fresh), true), Decision::Show);
    }

    #[test]
    fn who_is_not_signed_in_sees_only_the_way_in() {
        assert_eq!(decide(Access::Anonymous, None, false), Decision::Show);
        for access in [Access::SignedIn, Access::Member, Access::Admin] {
            assert_eq!(decide(access, None, false), Decision::SignIn);
        }
    }
}
