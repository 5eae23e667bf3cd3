//! The catalogue: which images VMs can be made from.

use leptos::prelude::*;

use super::{section::Section, table::Table};
use crate::{
    component::{
        Alert, AlertKind, Badge, Failure, Field, Form, FormAlert, Icon, IconName, Loaded, Menu,
        Select, Submit, Tone, empty_form, on_gone, on_success,
    },
    format,
    model::{
        AppError, IMAGE_NAME_MAX, IMAGE_REFERENCE_MAX, IMAGE_SUMMARY_MAX, ImageView, SshServer,
        image_name_check,
    },
    server_fn::admin::{ImageAdd, ImageDefault, ImageRemove, image_list},
};

/// The id of the form.
const FORM: &str = "image-add-form";
const COLUMNS: &[&str] = &["Image", "Reference", "On nodes", "Actions"];

/// `/admin/images`: the catalogue, and a form for one image more.
#[component]
pub fn ImagesPage() -> impl IntoView {
    let images = Resource::new_blocking(|| (), |()| image_list());
    view! { <Section title="Images" page=move || view! { <Catalogue images /> }.into_any() /> }
}

#[component]
fn Catalogue(images: Resource<Result<Vec<ImageView>, AppError>>) -> impl IntoView {
    let again = Callback::new(move |()| images.refetch());
    let set_default = ServerAction::<ImageDefault>::new();
    let remove = ServerAction::<ImageRemove>::new();
    on_success(set_default, move |_| again.run(()));
    on_gone(remove, move || again.run(()));
    view! {
        <Failure action=set_default />
        <Failure action=remove />
        <Loaded
            data=images
            skeleton=|| view! { <div class="skeleton list" aria-busy="true"></div> }
            view=move |images| view! { <Images images set_default remove /> }.into_any()
        />
        <Add again />
    }
}

#[component]
fn Images(
    images: Vec<ImageView>,
    set_default: ServerAction<ImageDefault>,
    remove: ServerAction<ImageRemove>,
) -> impl IntoView {
    if images.is_empty() {
        return view! {
            <p class="card muted">"The catalogue is empty, so no VM can be made. Add an image below."</p>
        }
        .into_any();
    }
    let row = move |image| view! { <Row image set_default remove /> };
    view! { <Table label="Images" columns=COLUMNS>{images.into_iter().map(row).collect_view()}</Table> }.into_any()
}

#[component]
fn Row(
    image: ImageView,
    set_default: ServerAction<ImageDefault>,
    remove: ServerAction<ImageRemove>,
) -> impl IntoView {
    let ImageView {
        name,
        reference,
        summary,
        default,
        present_on,
        ssh_server,
    } = image;
    let present = match present_on {
        0 => "On none yet; pulled when first needed".to_owned(),
        nodes => format!("On {}", format::count(nodes, "node")),
    };
    let chosen = name.clone();
    let spoken = format!(" {name}");
    view! {
        <tr role="row">
            <td role="cell" class="cell-title">
                <strong class="code">{name.clone()}</strong>
                {default.then(|| view! { <Badge tone=Signal::stored(Tone::Ok) word=Signal::stored("Default".to_owned()) /> })}
                <span class="cell-note">{summary}</span>
                {ssh_server.map(|server| view! { <span class="cell-note">{format!("SSH server: {}", server.word())}</span> })}
            </td>
            <td role="cell" data-label="Reference"><code>{reference}</code></td>
            <td role="cell" data-label="On nodes" class="numbers">{present}</td>
            <td role="cell" class="cell-actions">
                {(!default).then(|| view! {
                    <Form action=set_default class="inline">
                        <input type="hidden" name="name" value=chosen />
                        <Submit class="button small">
                            "Make default" <span class="visually-hidden">{spoken.clone()}</span>
                        </Submit>
                    </Form>
                })}
                <Remove name remove />
            </td>
        </tr>
    }
}

/// Asks in place, also without script.
#[component]
fn Remove(name: String, remove: ServerAction<ImageRemove>) -> impl IntoView {
    view! {
        <Menu
            label=format!("Remove {name}")
            class="menu ask"
            button=Box::new(|| view! { <Icon name=IconName::Trash /> }.into_any())
        >
            <Form action=remove class="ask-form">
                <input type="hidden" name="name" value=name.clone() />
                <p>{format!("Remove {name} from the catalogue? New VMs cannot use it; those made from it stay.")}</p>
                <Submit class="button small danger">"Remove"</Submit>
            </Form>
        </Menu>
    }
}

/// What can be said of an image's SSH server, none first.
fn ssh_servers() -> Vec<(String, String)> {
    let of = |server: SshServer| (server.word().to_owned(), server.word().to_owned());
    let none = (String::new(), "None".to_owned());
    vec![none, of(SshServer::Dropbear), of(SshServer::Sshd)]
}

#[component]
fn Add(again: Callback<()>) -> impl IntoView {
    let action = ServerAction::<ImageAdd>::new();
    let typed = RwSignal::new(String::new());
    let added = RwSignal::new(None::<String>);
    on_success(action, move |image| {
        again.run(());
        empty_form(FORM);
        typed.set(String::new());
        added.set(Some(image.name));
    });
    let check = Signal::derive(move || {
        let name = typed.get();
        if name.is_empty() {
            None
        } else {
            image_name_check(name.trim()).err()
        }
    });
    view! {
        <section class="card admin-form" aria-labelledby="image-add">
            <h2 id="image-add">"Add an image"</h2>
            {move || added.get().map(|name| view! {
                <Alert kind=AlertKind::Good>{format!("{name} is in the catalogue.")}</Alert>
            })}
            <Form action class="stack" id=FORM>
                <FormAlert fields=&["name", "reference", "summary", "ssh_server"] />
                <Field
                    name="name"
                    label="Name"
                    code=true
                    max_length=IMAGE_NAME_MAX
                    hint="What people choose it by: debian."
                    on_input=Callback::new(move |name| typed.set(name))
                    check
                />
                <Field
                    name="reference"
                    label="Reference"
                    code=true
                    max_length=IMAGE_REFERENCE_MAX
                    hint="What the nodes' engines know it by: debian:13, registry.example/lab/base:2. It needs /bin/sh."
                />
                <Field name="summary" label="One line about it" optional=true max_length=IMAGE_SUMMARY_MAX />
                <Select name="ssh_server" label="SSH server in it" options=ssh_servers() />
                <Submit class="button" busy="Adding…">"Add image"</Submit>
            </Form>
        </section>
    }
}
