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
        policy: NodePolicy::Schedulable,
        local: true,
        pid: Some(4217),
        version: Some("0.1.0".into()),
        engine: Some("Docker 20.10.24".into()),
        vms: 3,
        vms_running: 2,
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
    vec![
        node("node-1", 5000, NodeHealth::Ready),
        node("node-2", 5001, NodeHealth::Degraded { reason: away }),
    ]
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
    }
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
            vms_failed: 1,
            shells: 2,
            login_sessions: 4,
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
        let policy = if cordoned { NodePolicy::Cordoned } else { NodePolicy::Schedulable };
        Ok(NodeView { policy, ..self.node_get(name).await? })
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
        Ok(vec![user("admin", Role::Admin), member("ann"), member("bob"), member("carl")])
    }

    async fn user_disable(&self, name: &str, disabled: bool) -> Answer<UserView> {
        self.admin()?;
        Ok(UserView { disabled, ..user(name, Role::Member) })
    }

    async fn user_role(&self, name: &str, role: Role) -> Answer<UserView> {
        self.admin().map(|()| user(name, role))
    }

    async fn user_quota(&self, name: &str, _: QuotaForm) -> Answer<UserView> {
        self.admin().map(|()| user(name, Role::Member))
    }

    async fn user_password_reset(&self, _: &str) -> Answer<String> {
        self.admin().map(|()| "calm-otter-sails-north".into())
    }

    async fn admin_vm_list(&self) -> Answer<VmList> {
        self.admin()?;
        let vms = self.world.lock().clone();
        Ok(VmList { quota: data::quota(&vms), vms, as_of: now() })
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
        Ok(data::shell_page(&self.any(id)?.name, shell))
    }

    async fn log_list(&self, _: &LogFilter) -> Answer<LogPage> {
        self.admin()?;
        let record = |seq: u64| LogView {
            seq,
            at: now() - (200 - seq as i64) * 700_000,
            source: ["server", "balancer", "node-1", "node-2"][seq as usize % 4].into(),
            level: [LogLevel::Info, LogLevel::Info, LogLevel::Debug, LogLevel::Warn, LogLevel::Error]
                [seq as usize % 5],
            message: format!("vm_create web{seq} on node-1 took {} ms", 180 + seq),
            request_id: None,
        };
        let sources = ["server", "balancer", "node-1", "node-2"].map(str::to_owned).to_vec();
        Ok(LogPage { records: (0..200).map(record).collect(), sources })
    }

    async fn event_list(&self, _: &EventFilter) -> Answer<EventPage> {
        self.admin().map(|()| data::events("web1", None))
    }

    async fn image_list(&self) -> Answer<Vec<ImageView>> {
        self.admin().map(|()| data::offer(QuotaUsage::default()).images)
    }

    async fn image_add(&self, name: &str, reference: &str, summary: &str) -> Answer<ImageView> {
        self.admin()?;
        Ok(ImageView {
            name: name.into(),
            reference: reference.into(),
            summary: summary.into(),
            default: false,
            present_on: 0,
        })
    }

    async fn image_remove(&self, _: &str) -> Answer<()> {
        self.admin()
    }

    async fn image_default(&self, name: &str) -> Answer<ImageView> {
        self.image_add(name, "alpine:3", "").await
    }
}
