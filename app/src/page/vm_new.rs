//! New VM: in a dialog over the dashboard, and on a page of its own without script.

mod ssh;

use std::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_navigate;

use crate::{
    component::{
        Access, Alert, AlertKind, Dialog, Field, Form, FormAlert, FormState, Guard, Loaded, Submit,
        on_success,
    },
    format,
    model::{FlavorView, ImageView, QuotaUsage, VmOffer, VmView},
    server_fn::{VmCreate, vm_name_check, vm_offer},
};

use ssh::SshPublish;

/// Quiet time before the server is asked about a name.
const DEBOUNCE: Duration = Duration::from_millis(300);

/// `/vms/new`, for members: the form of [`VmNewDialog`] without the dialog.
#[component]
pub fn VmNewPage() -> impl IntoView {
    let navigate = use_navigate();
    let created = Callback::new(move |_: VmView| navigate("/", Default::default()));
    let offer = Resource::new_blocking(|| (), |()| vm_offer());
    let page = move |_| {
        view! {
            <section class="narrow wide">
                <Loaded
                    data=offer
                    view=move |offer| {
                        view! { <VmNewForm offer on_created=created cancel=None /> }.into_any()
                    }
                />
            </section>
        }
        .into_any()
    };
    view! {
        <Title text="New VM" />
        <Guard access=Access::Member page />
    }
}

/// The dialog; asks for the offer each time it opens.
#[component]
pub fn VmNewDialog(open: RwSignal<bool>, on_created: Callback<VmView>) -> impl IntoView {
    let created = Callback::new(move |vm| {
        open.set(false);
        on_created.run(vm);
    });
    let cancel = Callback::new(move |()| open.set(false));
    view! {
        <Dialog open on_close=cancel labelled_by="vm-new-title">
            <Asked created cancel />
        </Dialog>
    }
}

#[component]
fn Asked(created: Callback<VmView>, cancel: Callback<()>) -> impl IntoView {
    let offer = Resource::new(|| (), |()| vm_offer());
    view! {
        <Loaded
            data=offer
            skeleton=|| view! { <div class="skeleton form" aria-busy="true"></div> }
            view=move |offer| {
                view! { <VmNewForm offer on_created=created cancel=Some(cancel) /> }.into_any()
            }
        />
    }
}

#[component]
fn VmNewForm(
    offer: VmOffer,
    on_created: Callback<VmView>,
    cancel: Option<Callback<()>>,
) -> impl IntoView {
    let action = ServerAction::<VmCreate>::new();
    on_success(action, move |vm| on_created.run(vm));
    let (name, check) = name_check(&offer.suggested_name);
    Effect::new(move |_| crate::nav::focus("field-name"));
    let full = nothing_fits(&offer);
    let image = RwSignal::new(String::new());
    let whole = StoredValue::new(offer.clone());
    let on_cancel = move |event: leptos::ev::MouseEvent| {
        if let Some(cancel) = cancel {
            event.prevent_default();
            cancel.run(());
        }
    };
    view! {
        <Form action class="form">
            <h1 id="vm-new-title">"New VM"</h1>
            <FormAlert fields=&["name", "flavor", "image", "ssh_publish"] />
            {full.clone().map(|full| view! { <Alert kind=AlertKind::Note>{full}</Alert> })}
            <Field
                name="name"
                label="Name"
                value=offer.suggested_name
                hint="Small letters, digits and hyphens; begins with a letter, at most 32."
                code=true
                autofocus=true
                max_length=64
                autocomplete="off"
                check
                on_input=move |text: String| name.set(text)
            />
            {(!offer.flavors.is_empty()).then(|| view! { <Sizes flavors=offer.flavors quota=offer.quota /> })}
            {(!offer.images.is_empty()).then(|| view! {
                <Images images=offer.images chosen=image />
                <SshPublish offer=whole image />
            })}
            <div class="form-actions">
                <a class="button quiet" href="/" on:click=on_cancel>"Cancel"</a>
                {full.is_none().then(|| view! {
                    <Submit class="button accent" busy="Creating…">"Create VM"</Submit>
                })}
            </div>
        </Form>
    }
}

/// Why no VM of any size can be made now.
fn nothing_fits(offer: &VmOffer) -> Option<String> {
    let quota = offer.quota;
    if quota.vms >= quota.vms_max {
        let have = format::count(quota.vms_max, "VM");
        return Some(format!(
            "You have {have}, as many as you may. Delete one to make room for another."
        ));
    }
    if offer.images.is_empty() || offer.flavors.is_empty() {
        let what = if offer.images.is_empty() {
            "image"
        } else {
            "size"
        };
        return Some(format!("No {what} is offered. Ask an admin to add one."));
    }
    let mut reasons = offer
        .flavors
        .iter()
        .map(|flavor| flavor.unavailable.as_ref());
    let smallest = reasons.next().flatten()?;
    let nothing = reasons.all(|reason| reason.is_some());
    nothing.then(|| format!("No size fits now. {smallest}"))
}

/// What is typed, and what is wrong with it once typing pauses.
fn name_check(first: &str) -> (RwSignal<String>, Signal<Option<String>>) {
    let name = RwSignal::new(first.to_owned());
    let wrong = RwSignal::new(None::<String>);
    Effect::new(move |waiting: Option<Option<TimeoutHandle>>| {
        let typed = name.get();
        wrong.set(None);
        // The first value is the server's own.
        let waiting = waiting?;
        if let Some(waiting) = waiting {
            waiting.clear();
        }
        set_timeout_with_handle(move || ask(typed, name, wrong), DEBOUNCE).ok()
    });
    (name, wrong.into())
}

fn ask(typed: String, name: RwSignal<String>, wrong: RwSignal<Option<String>>) {
    if typed.is_empty() {
        return;
    }
    leptos::task::spawn_local(async move {
        let answer = vm_name_check(typed.clone()).await;
        if name.try_get_untracked() == Some(typed) {
            wrong.set(answer.unwrap_or_else(|error| Some(error.message)));
        }
    });
}

/// Sizes as radio tiles, with what is left of the quota after.
#[component]
fn Sizes(flavors: Vec<FlavorView>, quota: QuotaUsage) -> impl IntoView {
    let state = use_context::<FormState>();
    let typed = state.and_then(|state| state.typed("flavor"));
    let first = flavors.iter().find(|flavor| flavor.unavailable.is_none());
    let chosen = typed
        .or_else(|| first.map(|flavor| flavor.name.clone()))
        .unwrap_or_default();
    let chosen = RwSignal::new(chosen);
    let message = state.map(|state| state.message("flavor"));
    let all = StoredValue::new(flavors.clone());
    let left = move || {
        all.with_value(|all| {
            let flavor = all
                .iter()
                .find(|flavor| chosen.with(|chosen| *chosen == flavor.name));
            flavor.map(|flavor| left_after(flavor, quota))
        })
    };
    let tile = move |flavor: FlavorView| {
        let is_chosen = chosen.with_untracked(|chosen| *chosen == flavor.name);
        let disabled = flavor.unavailable.is_some();
        let pick = flavor.name.clone();
        view! {
            <label class="tile">
                <input
                    type="radio"
                    name="flavor"
                    value=flavor.name.clone()
                    checked=is_chosen
                    disabled=disabled
                    required=true
                    on:change=move |_| chosen.set(pick.clone())
                />
                <span class="tile-title">{flavor.name}</span>
                <span class="tile-line">{format::vcpu(flavor.cpu_millis)}</span>
                <span class="tile-line">{format::mib(flavor.memory_mib as f32)} " memory"</span>
                <span class="tile-line">{flavor.disk_gib} " GiB disk"</span>
                {flavor.unavailable.map(|why| view! { <span class="tile-note">{why}</span> })}
            </label>
        }
    };
    view! {
        <fieldset class="tiles">
            <legend>"Size"</legend>
            {flavors.into_iter().map(tile).collect_view()}
            <p class="field-hint">{left}</p>
            <p class="field-error" aria-live="polite">{message}</p>
        </fieldset>
    }
}

fn left_after(flavor: &FlavorView, quota: QuotaUsage) -> String {
    let vms = quota.vms_max.saturating_sub(quota.vms + 1);
    let cpu = quota
        .cpu_millis_max
        .saturating_sub(quota.cpu_millis + flavor.cpu_millis);
    let memory = quota
        .memory_mib_max
        .saturating_sub(quota.memory_mib + flavor.memory_mib);
    let disk = quota
        .disk_gib_max
        .saturating_sub(quota.disk_gib + flavor.disk_gib);
    format!(
        "Left after this: {}, {}, {} memory, {disk} GiB disk",
        format::count(vms, "VM"),
        format::vcpu(cpu),
        format::mib(memory as f32),
    )
}

/// Images as radio tiles; `chosen` follows.
#[component]
fn Images(images: Vec<ImageView>, chosen: RwSignal<String>) -> impl IntoView {
    let state = use_context::<FormState>();
    let typed = state.and_then(|state| state.typed("image"));
    let message = state.map(|state| state.message("image"));
    let tile = move |image: ImageView| {
        let is_chosen = typed
            .as_ref()
            .map_or(image.default, |typed| *typed == image.name);
        if is_chosen {
            chosen.set(image.name.clone());
        }
        let pick = image.name.clone();
        let letter = image.name.chars().next().unwrap_or('?').to_string();
        let pull = (image.present_on == 0).then_some("Fetched first, takes longer");
        view! {
            <label class="tile image">
                <input
                    type="radio"
                    name="image"
                    value=image.name.clone()
                    checked=is_chosen
                    required=true
                    on:change=move |_| chosen.set(pick.clone())
                />
                <span class="tile-logo" aria-hidden="true">{letter}</span>
                <span class="tile-title">{image.name}</span>
                <span class="tile-line">{image.summary}</span>
                {pull.map(|pull| view! { <span class="tile-note">{pull}</span> })}
            </label>
        }
    };
    view! {
        <fieldset class="tiles">
            <legend>"Image"</legend>
            {images.into_iter().map(tile).collect_view()}
            <p class="field-error" aria-live="polite">{message}</p>
        </fieldset>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(vms: u32, unavailable: &[Option<&str>]) -> VmOffer {
        let flavor = |why: &Option<&str>| FlavorView {
            name: "small".into(),
            cpu_millis: 500,
            memory_mib: 256,
            disk_gib: 2,
            unavailable: why.map(str::to_owned),
        };
        VmOffer {
            suggested_name: "brave-otter".into(),
            flavors: unavailable.iter().map(flavor).collect(),
            images: vec![ImageView {
                name: "alpine".into(),
                reference: "alpine:3".into(),
                summary: "Small".into(),
                default: true,
                present_on: 1,
                ssh_server: None,
            }],
            ssh_unavailable: None,
            quota: QuotaUsage {
                vms,
                vms_max: 5,
                ..Default::default()
            },
        }
    }

    #[test]
    fn who_has_as_many_vms_as_allowed_is_told_what_to_do() {
        let words = nothing_fits(&offer(5, &[None])).unwrap();
        assert_eq!(
            words,
            "You have 5 VMs, as many as you may. Delete one to make room for another."
        );
    }

    #[test]
    fn without_an_image_or_a_size_it_is_said_who_can_help() {
        let without_images = VmOffer {
            images: Vec::new(),
            ..offer(1, &[None])
        };
        assert_eq!(
            nothing_fits(&without_images).unwrap(),
            "No image is offered. Ask an admin to add one."
        );
        let words = nothing_fits(&offer(1, &[])).unwrap();
        assert_eq!(words, "No size is offered. Ask an admin to add one.");
    }

    #[test]
    fn as_long_as_one_size_fits_the_form_is_offered() {
        assert_eq!(nothing_fits(&offer(1, &[Some("Too big."), None])), None);
        let nothing = nothing_fits(&offer(1, &[Some("Needs 256 MiB."), Some("Too big.")]));
        assert_eq!(nothing.unwrap(), "No size fits now. Needs 256 MiB.");
    }

    #[test]
    fn what_is_left_after_counts_the_new_vm() {
        let offer = offer(3, &[None]);
        let quota = QuotaUsage {
            cpu_millis_max: 4000,
            memory_mib_max: 1024,
            disk_gib_max: 20,
            ..offer.quota
        };
        let words = left_after(&offer.flavors[0], quota);
        assert_eq!(
            words,
            "Left after this: 1 VM, 3.5 vCPU, 768 MiB memory, 18 GiB disk"
        );
    }
}
