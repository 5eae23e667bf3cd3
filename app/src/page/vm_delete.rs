//! Delete a VM: the question on a page of its own, for who has no script.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_navigate, use_params_map};

use crate::{
    component::{Access, Guard, Loaded, VmDeleteConfirm, on_success},
    server_fn::{VmDelete, vm_get},
};

#[component]
pub fn VmDeletePage() -> impl IntoView {
    view! {
        <Title text="Delete VM" />
        <Guard access=Access::Member page=|_| view! { <section class="narrow"><Asked /></section> }.into_any() />
    }
}

#[component]
fn Asked() -> impl IntoView {
    let params = use_params_map();
    let name = move || params.read().get("name").unwrap_or_default();
    let navigate = use_navigate();
    let action = ServerAction::<VmDelete>::new();
    on_success(action, move |path| navigate(&path, Default::default()));
    let vm = Resource::new_blocking(name, vm_get);
    view! {
        <Loaded
            data=vm
            view=move |detail| view! { <VmDeleteConfirm action name=detail.vm.name /> }.into_any()
        />
    }
}
