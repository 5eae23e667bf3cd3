//! The admin's half of the fake.

use app::{
    control_plane::{AdminPlane, Answer},
    model::*,
};
use async_trait::async_trait;

use super::{Fake, data, now};

impl Fake {
    fn admin(&self) -> Answer<()> {
        match self.name()? {
            "admin" => Ok(()),
            _ => Err(AppError::not_found("page", "this")),
        }
    }

    fn any(&self, id: &str) -> Answer<VmView> {
        self.admin()?;
        let vms = self.world.lock();
        let vm = vms.iter().find(|vm| vm.id == id);
        vm.cloned().ok_or_else(|| AppError::not_found("VM", id))
    }
}

fn node(name: &str, port: u16, health: NodeHealth) -> NodeView {
    NodeView {
        name: name.into(),
        address: format!("http://127.0.0.1:{port}"),
        health,
        reach_open: None,
        policy: NodePolicy::Schedulable,
        local: true,
        pid: Some(4217),
        version: Some("0.1.0".into()),
        engine: Some("Docker 20.10.24".into()),
        vms: 3,
        vms_running: 2,
        vms_unknown: 0,
        cpu_millis: 8000,
        cpu_millis_allocated: 3500,
        memory_mib: 3072,
        memory_mib_allocated: 1536,
        memory_mib_used: 420,
        disk_free_percent: 61,
        load_1m: 0.42,
        seen_at: Some(now() - 1_000_000),
        images: vec!["alpine".into()],
    }
}

fn nodes() -> Vec<NodeView> {
    let away = "could not find bridge docker0".to_owned();
    let open = "nft is not installed. Install the package nftables, or set vm_reach = all";
    vec![
        NodeView {
            reach_open: Some(open.to_owned()),
            ..node("node-1", 5000, NodeHealth::Ready)
        },
        node("node-2", 5001, NodeHealth::Degraded { reason: away }),
    ]
}

/// An hour in which VMs and shells came and went.
fn history() -> Vec<CountSample> {
    let sample = |step: u32| CountSample {
        vms: 3 + step.min(6),
        nodes: 2,
        users: 3,
        shells: step % 4,
        login_sessions: 4,
    };
    (0..CountSample::KEPT as u32).map(sample).collect()
}

/// The version of every user.
const VERSION: &str = "v-now";

fn seen_is_now(seen: Option<&str>) -> Answer<()> {
    match seen {
        Some(seen) if seen != VERSION => {
            let message = "It has been changed since you looked.";
            Err(AppError::new(ErrorKind::Conflict, CHANGED, message))
        }
        _ => Ok(()),
    }
}

fn user(name: &str, role: Role) -> UserView {
    UserView {
        name: name.into(),
        role,
        disabled: name == "carl",
        must_change_password: false,
        quota: data::quota(&data::vms()),
        created_at: now() - 86_400_000_000,
        active_at: Some(now() - 60_000_000),
        is_viewer: name == "admin",
        version: VERSION.into(),
    }
}

/// Lines of the log before a page is opened.
pub const LOG_LINES: u64 = 400;
const SOURCES: [&str; 4] = ["balancer", "node-1", "node-2", "server"];

pub fn log_record(seq: u64) -> LogView {
    let (source, level, message) = match seq % 11 {
        0 => ("server", LogLevel::Warn, "a sign-in of root failed: no such user <b>here</b>".to_owned()),
        1 => ("balancer", LogLevel::Info, format!("round robin: node-{} was next; 2 of 2 nodes fit", seq % 2 + 1)),
        2 => ("node-2", LogLevel::Error, "the engine cannot start mc-0197c1d4-6a3e-7c31-9f52-0000beef: could not find bridge docker0; the bridge interface had been removed while the engine was running".to_owned()),
        3 => ("node-1", LogLevel::Debug, "usage of 12 VMs read in 41 ms".to_owned()),
        _ => (SOURCES[seq as usize % 4], LogLevel::Info, format!("vm_create web{seq} took {} ms", 180 + seq % 90)),
    };
    LogView {
        seq,
        at: now() - LOG_LINES.saturating_sub(seq) as i64 * 700_000,
        source: source.into(),
        level,
        message,
        request_id: seq
            .is_multiple_of(5)
            .then(|| format!("0197c1d4-0000-7c31-9f52-{seq:012x}")),
    }
}

pub fn matches(filter: &LogFilter, record: &LogView) -> bool {
    filter
        .source
        .as_ref()
        .is_none_or(|source| *source == record.source)
        && filter.level.is_none_or(|level| record.level >= level)
        && filter
            .text
            .as_ref()
            .is_none_or(|text| record.message.contains(text.as_str()))
}

#[async_trait]
impl AdminPlane for Fake {
    async fn overview(&self) -> Answer<Overview> {
        self.admin()?;
        let problem = Problem {
            severe: true,
            message: "node-2 cannot start VMs: could not find bridge docker0.".into(),
            link: "/admin/nodes#node-2".into(),
        };
        Ok(Overview {
            problems: vec![problem],
            nodes: nodes(),
            users: 3,
            vms: 7,
            vms_running: 2,
            vms_unknown: 0,
            vms_failed: 1,
            shells: 2,
            login_sessions: 4,
            history: history(),
            as_of: now(),
        })
    }

    async fn node_list(&self) -> Answer<Vec<NodeView>> {
        self.admin().map(|()| nodes())
    }

    async fn node_get(&self, name: &str) -> Answer<NodeView> {
        self.admin()?;
        let node = nodes().into_iter().find(|node| node.name == name);
        node.ok_or_else(|| AppError::not_found("node", name))
    }

    async fn node_add(&self, name: &str, _: &str, _: &str, _: Option<&str>) -> Answer<NodeView> {
        self.admin()?;
        let message = format!("{name} did not answer. Check its address and that it runs.");
        Err(AppError::new(ErrorKind::Unavailable, "node_unreachable", message).at("address"))
    }

    async fn node_cordon(&self, name: &str, cordoned: bool) -> Answer<NodeView> {
        let policy = if cordoned {
            NodePolicy::Cordoned
        } else {
            NodePolicy::Schedulable
        };
        Ok(NodeView {
            policy,
            ..self.node_get(name).await?
        })
    }

    async fn node_remove(&self, name: &str, confirm: Option<&str>) -> Answer<()> {
        self.node_get(name).await?;
        if confirm == Some(name) {
            return Ok(());
        }
        let message = format!("{name} has VMs that would be lost: ann/web1, ann/db.");
        Err(AppError::new(ErrorKind::Conflict, "node_has_vms", message).at("confirm"))
    }

    async fn user_list(&self) -> Answer<Vec<UserView>> {
        self.admin()?;
        let member = |name| user(name, Role::Member);
        Ok(vec![
            user("admin", Role::Admin),
            member("ann"),
            member("bob"),
            member("carl"),
        ])
    }

    async fn user_create(&self, name: &str) -> Answer<UserCreated> {
        self.admin()?;
        if name == "bob" {
            let message = "The name bob is taken. Choose another.";
            return Err(AppError::new(ErrorKind::Conflict, "name_taken", message).at("name"));
        }
        Ok(UserCreated {
            user: user(name, Role::Member),
            password: "calm-otter-sails-north".into(),
        })
    }

    async fn user_disable(&self, name: &str, disabled: bool) -> Answer<UserView> {
        self.admin()?;
        Ok(UserView {
            disabled,
            ..user(name, Role::Member)
        })
    }

    async fn user_role(&self, name: &str, role: Role, seen: Option<&str>) -> Answer<UserView> {
        self.admin()?;
        seen_is_now(seen).map(|()| user(name, role))
    }

    async fn user_quota(&self, name: &str, _: QuotaForm, seen: Option<&str>) -> Answer<UserView> {
        self.admin()?;
        seen_is_now(seen).map(|()| user(name, Role::Member))
    }

    async fn user_password_reset(&self, _: &str) -> Answer<String> {
        self.admin().map(|()| "calm-otter-sails-north".into())
    }

    async fn admin_vm_list(&self) -> Answer<VmList> {
        self.admin()?;
        let vms = self.world.lock().clone();
        Ok(VmList {
            quota: data::quota(&vms),
            vms,
            as_of: now(),
        })
    }

    async fn admin_vm_get(&self, id: &str) -> Answer<VmDetail> {
        self.any(id).map(data::detail)
    }

    async fn admin_vm_start(&self, id: &str) -> Answer<VmView> {
        self.any(id)
    }

    async fn admin_vm_stop(&self, id: &str) -> Answer<VmView> {
        self.any(id)
    }

    async fn admin_vm_delete(&self, id: &str) -> Answer<()> {
        self.any(id).map(drop)
    }

    async fn admin_shell_open(&self, id: &str, shell: Option<&str>, _: bool) -> Answer<ShellPage> {
        if shell == Some("ended") {
            let words = "This shell has ended. Open a new one.";
            return Err(AppError::new(ErrorKind::Conflict, "shell_ended", words));
        }
        Ok(ShellPage {
            watches: shell == Some("invited"),
            ..data::shell_page(&self.any(id)?.name, shell)
        })
    }

    async fn log_list(&self, filter: &LogFilter) -> Answer<LogPage> {
        self.admin()?;
        let records = (1..LOG_LINES)
            .map(log_record)
            .filter(|record| matches(filter, record));
        Ok(LogPage {
            records: records.collect(),
            sources: SOURCES.map(str::to_owned).to_vec(),
        })
    }

    async fn event_list(&self, filter: &EventFilter) -> Answer<EventPage> {
        self.admin()?;
        let mut page = data::events("web1", None);
        let web1 = data::vm("ann", "web1", VmState::Running);
        if filter.subject_id.as_ref().is_some_and(|id| *id != web1.id) {
            page.events.clear();
        }
        for event in &mut page.events {
            event.link = Some(format!("/admin/vms/{}", web1.id));
        }
        Ok(page)
    }

    async fn image_list(&self) -> Answer<Vec<ImageView>> {
        self.admin()
            .map(|()| data::offer(QuotaUsage::default()).images)
    }

    async fn image_add(
        &self,
        name: &str,
        reference: &str,
        summary: &str,
        ssh_server: Option<SshServer>,
    ) -> Answer<ImageView> {
        self.admin()?;
        Ok(ImageView {
            name: name.into(),
            reference: reference.into(),
            summary: summary.into(),
            default: false,
            present_on: 0,
            ssh_server,
        })
    }

    async fn image_remove(&self, _: &str) -> Answer<()> {
        self.admin()
    }

    async fn image_default(&self, name: &str) -> Answer<ImageView> {
        self.image_add(name, "alpine:3", "", None).await
    }
}
