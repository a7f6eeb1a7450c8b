//! What is deployed: the command of a server, and a Deployment of Kubernetes. Names of scenarios are quoted wherever they enter a shell or YAML.

use super::prices::MachineType;
use crate::scenario::{ServerKind, Strategy, literal, visible};

/// The command that starts the server that a strategy names on each machine; `None` where it names none.
pub(super) fn command(each: &Strategy) -> Option<String> {
    Some(each.server()?.command_line())
}

/// The port of the application in its container.
const PORT: u16 = 8000;

/// What the server's command line has beside it in a container, where it listens at all: on every address of the pod.
pub(super) fn listens(each: &Strategy) -> Option<Vec<String>> {
    let address = match each.server()?.kind {
        ServerKind::Uvicorn(_) => ["--host=0.0.0.0".to_owned(), format!("--port={PORT}")].to_vec(),
        ServerKind::Gunicorn(_) | ServerKind::Hypercorn(_) => {
            vec![format!("--bind=0.0.0.0:{PORT}")]
        }
        ServerKind::Celery(_) => return None,
    };
    Some(address)
}

/// Memory that a container asks for, as a multiple of the forecast's peak.
const SPARE: f64 = 1.2;

/// A Deployment of so many replicas that each are as large as that machine.
pub(super) fn kubernetes(
    name: &str,
    (command, listens): (Option<&str>, Option<&[String]>),
    machines: u32,
    machine: &MachineType,
    memory: Option<f64>,
    strategy: &str,
) -> String {
    let label = dns_label(name);
    let mebi = |bytes: f64| format!("{}Mi", libm::ceil(bytes / 1_048_576.0).max(1.0));
    let limit = machine.memory_bytes as f64;
    let asked = memory.map_or(limit, |m| (m * SPARE).min(limit));
    let words: Vec<String> = command.map_or_else(Vec::new, |c| c.split(' ').map(yaml).collect());
    // In a container a server has to listen on the pod's own address, and says when it does.
    let serves = listens.map_or_else(String::new, |at| {
        let at: Vec<String> = at.iter().map(|word| yaml(word)).collect();
        format!(
            "          args: [{}]
          ports: [{{containerPort: {PORT}}}]
          readinessProbe: {{tcpSocket: {{port: {PORT}}}}}
",
            at.join(", ")
        )
    });
    let apart = if machines > 1 {
        format!(
            "      topologySpreadConstraints:
        - {{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {{matchLabels: {{app: {label}}}}}}}
"
        )
    } else {
        String::new()
    };
    let runs = if words.is_empty() {
        format!(
            "          # Runs {}: start it as your program does.\n",
            visible(strategy)
        )
    } else {
        format!("          command: [{}]\n", words.join(", "))
    };
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {label}
  annotations:
    pchsim/scenario: {scenario}
spec:
  replicas: {machines}
  selector:
    matchLabels: {{app: {label}}}
  template:
    metadata:
      labels: {{app: {label}}}
    spec:
{apart}      containers:
        - name: app
          image: {label}:latest  # yours
{runs}{serves}          resources:  # of the pod: its node needs some more for itself
            requests: {{cpu: \"{cpus}\", memory: {requests}}}
            limits: {{cpu: \"{cpus}\", memory: {limits}}}
",
        scenario = yaml(name),
        cpus = machine.cpus,
        requests = mebi(asked),
        limits = mebi(limit),
    )
}

/// A text as a string of YAML: JSON's strings are such.
fn yaml(text: &str) -> String {
    literal::json(text)
}

/// A name as Kubernetes takes it (RFC 1123): small letters, digits and hyphens, at most 63, a letter first.
fn dns_label(name: &str) -> String {
    let mut label = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            label.push(c.to_ascii_lowercase());
        } else if !label.ends_with('-') && !label.is_empty() {
            label.push('-');
        }
        if label.len() == 50 {
            break;
        }
    }
    let label = label.trim_end_matches('-');
    match label.chars().next() {
        Some(c) if c.is_ascii_lowercase() => label.to_owned(),
        Some(_) => format!("app-{label}"),
        None => "app".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels() {
        for (name, label) in [
            ("api", "api"),
            ("My API: v2", "my-api-v2"),
            ("2 agents", "app-2-agents"),
            ("\"; rm -rf /", "rm-rf"),
            ("äöü", "app"),
            ("", "app"),
        ] {
            assert_eq!(dns_label(name), label, "{name}");
        }
        assert!(dns_label(&"x".repeat(200)).len() <= 63);
    }

    #[test]
    fn hostile_names_stay_within_their_quotes() {
        let machine = MachineType {
            name: "m".into(),
            cpus: 2,
            memory_bytes: 4 << 30,
            price_per_month: 1.0,
        };
        let name = "a\"\n  evil: true\n# ";
        let text = kubernetes(
            name,
            (
                Some("gunicorn -w 4 app:app"),
                Some(&["--bind=0.0.0.0:8000".to_owned()]),
            ),
            3,
            &machine,
            Some(1e8),
            "x\ny",
        );
        assert!(!text.lines().any(|l| l.trim_start().starts_with("evil")));
        assert!(
            text.contains(r#"pchsim/scenario: "a\"\n  evil: true\n# ""#),
            "{text}"
        );
        assert!(text.contains("replicas: 3"));
        assert!(text.contains(r#"command: ["gunicorn", "-w", "4", "app:app"]"#));
        assert!(
            text.contains("requests: {cpu: \"2\", memory: 115Mi}"),
            "{text}"
        );
        assert!(text.contains("memory: 4096Mi"));
        let text = kubernetes(name, (None, None), 1, &machine, None, "x\nevil: 1");
        assert!(!text.lines().any(|l| l.trim_start().starts_with("evil")));
    }
}
