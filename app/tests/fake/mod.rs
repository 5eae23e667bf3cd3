//! A control plane in memory, so that pages can be drawn and looked at without a server.
//!
//! Who asks is told by the cookie `as`: `ann` (a member with a VM in every state), `bob` (a member
//! without), `admin`, `fresh` (an admin who must change the password), or nobody.

mod admin;
mod data;
mod live;
mod share;
mod site;

use std::sync::{Arc, Mutex};

use app::{
    control_plane::{AccountPlane, Answer, ControlPlane, Plane, VmPlane},
    model::*,
};
use async_trait::async_trait;
use axum::http::{HeaderMap, header};

pub use data::now;
#[allow(unused_imports)]
pub use live::live_router;
pub use site::router;

/// What the fakes of all requests share.
#[derive(Clone)]
pub struct World {
    vms: Arc<Mutex<Vec<VmView>>>,
    /// What was asked of the plane, in order.
    asked: Arc<Mutex<Vec<&'static str>>>,
}

impl World {
    pub fn new() -> Self {
        Self {
            vms: Arc::new(Mutex::new(data::vms())),
            asked: Arc::default(),
        }
    }

    /// The plane of the caller whom these headers tell.
    pub fn plane(&self, headers: &HeaderMap) -> Plane {
        let cookies = headers
            .get(header::COOKIE)
            .and_then(|cookies| cookies.to_str().ok());
        let cookie = |name: &str| {
            let mut cookies = cookies.unwrap_or_default().split("; ");
            cookies
                .find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        };
        Arc::new(Fake {
            world: self.clone(),
            who: cookie("as"),
            theme: cookie("theme"),
        })
    }

    /// As the live socket sends it.
    #[allow(dead_code)]
    pub fn list(&self, owner: &str) -> VmList {
        let vms: Vec<_> = self
            .lock()
            .iter()
            .filter(|vm| vm.owner == owner)
            .cloned()
            .collect();
        VmList {
            quota: data::quota(&vms),
            vms,
            as_of: now(),
        }
    }

    /// What was asked of the plane so far, in order.
    #[allow(dead_code)]
    pub fn asked(&self) -> Vec<&'static str> {
        self.asked.lock().unwrap().clone()
    }

    /// Changes one of Ann's VMs.
    #[allow(dead_code)]
    pub fn change(&self, name: &str, change: impl FnOnce(&mut VmView)) {
        let mut vms = self.lock();
        let mut own = vms.iter_mut().filter(|vm| vm.owner == "ann");
        change(own.find(|vm| vm.name == name).unwrap());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<VmView>> {
        self.vms.lock().unwrap()
    }
}

pub struct Fake {
    world: World,
    who: Option<String>,
    theme: Option<String>,
}

impl Fake {
    fn note(&self, what: &'static str) {
        self.world.asked.lock().unwrap().push(what);
    }

    fn name(&self) -> Answer<&str> {
        self.who.as_deref().ok_or_else(|| {
            AppError::new(
                ErrorKind::Unauthenticated,
                "not_signed_in",
                "Sign in to go on.",
            )
        })
    }

    /// What is listed may be gone, or out of reach, by the time that it is to go.
    fn remove(&self, id: &str) -> Answer<()> {
        self.name()?;
        match id {
            "gone" => Err(AppError::not_found("thing", id)),
            "away" => {
                let message = "It does not answer now. Try again.";
                Err(AppError::new(ErrorKind::Unavailable, "away", message))
            }
            _ => Ok(()),
        }
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut VmView)) -> Answer<VmView> {
        let owner = self.name()?;
        let mut vms = self.world.lock();
        let vm = vms
            .iter_mut()
            .find(|vm| vm.name == name && vm.owner == owner);
        let vm = vm.ok_or_else(|| AppError::not_found("VM", name))?;
        change(vm);
        vm.changed_at = now();
        Ok(vm.clone())
    }

    fn get(&self, name: &str) -> Answer<VmView> {
        let owner = self.name()?;
        let vms = self.world.lock();
        let vm = vms.iter().find(|vm| vm.name == name && vm.owner == owner);
        vm.cloned().ok_or_else(|| AppError::not_found("VM", name))
    }

    fn set_cookie(&self, name: &str) {
        if let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() {
            let cookie = format!("as={name}; Path=/").parse().unwrap();
            response.append_header(header::SET_COOKIE, cookie);
        }
    }
}

impl ControlPlane for Fake {}

#[async_trait]
impl AccountPlane for Fake {
    async fn viewer(&self) -> Answer<Option<Viewer>> {
        self.note("viewer");
        Ok(self.who.as_ref().map(|name| Viewer {
            name: name.clone(),
            role: if matches!(name.as_str(), "admin" | "fresh") {
                Role::Admin
            } else {
                Role::Member
            },
            must_change_password: name == "fresh",
            quota: self.world.list(name).quota,
            ssh: Some(SshGateway {
                host: "127.0.0.1".into(),
                port: 2222,
            }),
        }))
    }

    fn theme(&self) -> Theme {
        match self.theme.as_deref() {
            Some("light") => Theme::Light,
            Some("dark") => Theme::Dark,
            _ => Theme::System,
        }
    }

    async fn site(&self) -> Answer<Site> {
        Ok(Site {
            registration: Registration::Invite,
            first_start: true,
            version: "0.1.0".into(),
        })
    }

    async fn account_create(&self, name: &str, password: &str, invite: Option<&str>) -> Answer<()> {
        if name == "ann" {
            let message = "The name ann is taken. Choose another.";
            return Err(AppError::new(ErrorKind::Conflict, "user_name_taken", message).at("name"));
        }
        if password.len() < 10 {
            let message = "The password is shorter than 10 characters. Add another word.";
            return Err(AppError::new(ErrorKind::Invalid, "weak_password", message).at("password"));
        }
        if invite.is_none() {
            let message = "This MiniCloud needs an invite code. Ask who runs it.";
            return Err(AppError::new(ErrorKind::Invalid, "invite_missing", message).at("invite"));
        }
        self.set_cookie("bob");
        Ok(())
    }

    async fn login(&self, name: &str, password: &str) -> Answer<Role> {
        if !matches!(name, "ann" | "bob" | "admin" | "fresh") || password == "wrong" {
            let message = "User name and password do not match. Check both and try again.";
            return Err(
                AppError::new(ErrorKind::Unauthenticated, "wrong_password", message).at("password"),
            );
        }
        self.set_cookie(name);
        Ok(if matches!(name, "admin" | "fresh") {
            Role::Admin
        } else {
            Role::Member
        })
    }

    async fn logout(&self) -> Answer<()> {
        self.set_cookie("; Max-Age=0");
        Ok(())
    }

    async fn password_strength(&self, _: &str, password: &str) -> Answer<PasswordStrength> {
        let score = (password.len() / 4).min(4) as u8;
        let words = match score {
            0..=1 => "Too easy to guess. Add another word or two; uncommon ones are better.",
            2 => "Nearly there. Add another word.",
            _ => "Good.",
        };
        Ok(PasswordStrength {
            score,
            words: words.into(),
            enough: score >= 3,
        })
    }

    async fn password_change(&self, current: &str, _: &str) -> Answer<()> {
        if current == "wrong" {
            let message = "That is not your current password.";
            return Err(
                AppError::new(ErrorKind::Unauthenticated, "wrong_password", message).at("current"),
            );
        }
        self.set_cookie("admin");
        Ok(())
    }

    async fn login_session_list(&self) -> Answer<Vec<LoginSessionView>> {
        self.note("login_session_list");
        self.name().map(|_| data::login_sessions())
    }

    async fn token_list(&self) -> Answer<Vec<TokenView>> {
        self.note("token_list");
        self.name().map(|_| data::tokens())
    }

    async fn token_create(&self, name: &str, _: &str, _: Option<u32>) -> Answer<String> {
        self.name()?;
        if name.is_empty() {
            let message = "A token needs a name of 1 to 64 characters.";
            return Err(AppError::new(ErrorKind::Invalid, "name_invalid", message).at("name"));
        }
        Ok("mct_secret".into())
    }

    async fn token_delete(&self, id: &str) -> Answer<()> {
        self.remove(id)
    }

    async fn ssh_access_get(&self) -> Answer<SshAccess> {
        self.name()?;
        Ok(SshAccess {
            keys: vec![data::ssh_key()],
            host: Some(data::ssh_host()),
        })
    }

    async fn ssh_key_add(&self, _: &str, _: Option<&str>) -> Answer<()> {
        self.name().map(drop)
    }

    async fn ssh_key_delete(&self, id: &str) -> Answer<()> {
        self.remove(id)
    }

    async fn login_session_delete(&self, id: &str) -> Answer<()> {
        self.remove(id)
    }

    async fn account_delete(&self, confirm: &str) -> Answer<()> {
        if confirm != "YES" {
            let message = "Nothing was deleted. Type YES, in capitals, to delete your account.";
            return Err(AppError::new(ErrorKind::Invalid, "confirm", message).at("confirm"));
        }
        self.set_cookie("; Max-Age=0");
        Ok(())
    }
}

#[async_trait]
impl VmPlane for Fake {
    async fn vm_list(&self) -> Answer<VmList> {
        self.note("vm_list");
        Ok(self.world.list(self.name()?))
    }

    async fn vm_get(&self, name: &str) -> Answer<VmDetail> {
        self.note("vm_get");
        self.get(name).map(data::detail)
    }

    async fn vm_offer(&self) -> Answer<VmOffer> {
        self.note("vm_offer");
        let list = self.world.list(self.name()?);
        Ok(data::offer(list.quota))
    }

    async fn vm_name_check(&self, name: &str) -> Answer<()> {
        self.name()?;
        if self.get(name).is_ok() {
            let message = format!("You have a VM named {name} already. Choose another name.");
            return Err(AppError::new(ErrorKind::Conflict, "vm_name_taken", message).at("name"));
        }
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            let message = "A name has only small letters, digits and hyphens.";
            return Err(AppError::new(ErrorKind::Invalid, "vm_name", message).at("name"));
        }
        Ok(())
    }

    async fn vm_create(
        &self,
        name: &str,
        flavor: &str,
        image: &str,
        ssh_publish: bool,
    ) -> Answer<VmView> {
        self.vm_name_check(name).await?;
        if ssh_publish && image != "debian" {
            let words = format!("The image {image} carries no SSH server.");
            return Err(
                AppError::new(ErrorKind::Invalid, "image_without_ssh", words).at("ssh_publish"),
            );
        }
        let mut vm = data::vm(self.name()?, name, VmState::Creating);
        vm.flavor = flavor.into();
        vm.image = image.into();
        vm.progress = Some(VmProgress {
            percent: Some(42),
            words: "Pulling image".into(),
        });
        self.world.lock().push(vm.clone());
        Ok(vm)
    }

    async fn vm_start(&self, name: &str) -> Answer<VmView> {
        self.change(name, |vm| {
            vm.state = VmState::Running;
            vm.started_at = Some(now());
        })
    }

    async fn vm_stop(&self, name: &str) -> Answer<VmView> {
        self.change(name, |vm| {
            vm.state = VmState::Stopped;
            vm.started_at = None;
        })
    }

    async fn vm_restart(&self, name: &str) -> Answer<VmView> {
        self.change(name, |vm| vm.started_at = Some(now()))
    }

    async fn vm_retry(&self, name: &str) -> Answer<VmView> {
        self.get(name)?;
        let message = format!(
            "{name} could not start: no node has 2 GiB free. Delete a VM, or choose a smaller size."
        );
        Err(AppError::new(ErrorKind::Conflict, "no_room", message))
    }

    async fn vm_delete(&self, name: &str) -> Answer<()> {
        let vm = self.get(name)?;
        self.world.lock().retain(|other| other.id != vm.id);
        Ok(())
    }

    async fn vm_event_list(&self, name: &str, before: Option<i64>) -> Answer<EventPage> {
        self.note("vm_event_list");
        self.get(name)?;
        Ok(data::events(name, before))
    }

    async fn shell_open(&self, vm: &str, shell: Option<&str>, _: bool) -> Answer<ShellPage> {
        self.note("shell_open");
        let conflict = |code: &str, words: String| AppError::new(ErrorKind::Conflict, code, words);
        match self.get(vm)?.state {
            VmState::Running => {}
            VmState::Unknown => {
                let words = format!("{vm} cannot be reached now.");
                return Err(conflict("vm_unknown", words));
            }
            _ => {
                let words = format!("{vm} is not running. Start it to open a shell.");
                return Err(conflict("vm_not_running", words));
            }
        }
        if shell == Some("ended") {
            let words = format!("This shell of {vm} has ended. Open a new one.");
            return Err(conflict("shell_ended", words));
        }
        Ok(data::shell_page(vm, shell))
    }

    async fn shell_close(&self, id: &str) -> Answer<()> {
        self.remove(id)
    }
}
