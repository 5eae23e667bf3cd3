//! Delete a VM: the question on a page of its own, for who has no script.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_navigate, use_params_map};

use crate::{
    component::{Access, Guard, Loaded, VmDeleteConfirm, on_success},
    server_fn::{VmDelete, vm_get},
};

/// `/vms/:name/delete`, for members.
#[component]
pub fn VmDeletePage() -> impl IntoView {
    let params = use_params_map();
    let name = move || params.read().get("name").unwrap_or_default();
    let vm = Resource::new_blocking(name, vm_get);
    let page = move |_| {
        view! {
            <section class="narrow">
                <Loaded
                    data=vm
                    view=|detail| view! { <Asked name=detail.vm.name /> }.into_any()
                />
            </section>
        }
        .into_any()
    };
    view! {
        <Title text="Delete VM" />
        <Guard access=Access::Member page />
    }
}

#[component]
fn Asked(name: String) -> impl IntoView {
    let navigate = use_navigate();
    let action = ServerAction::<VmDelete>::new();
    on_success(action, move |path| navigate(&path, Default::default()));
    view! {
        <h1 class="code">{name.clone()}</h1>
        <VmDeleteConfirm action name />
    }
}
