//! Operations in services that are used over the network, told from one word of the service.
//!
//! Rules report all operations alike and at a low level: reading a list and switching off the record of who read it. The list has what
//! matters whoever did it. An attacker with somebody's credentials does these things; an administrator does them too, but seldom.

use alert::incident::Finding;
use alert::{Alert, Class, Untrusted};

/// Where services say what was done.
const OPERATIONS_AT: &[&str] = &[
    "data.aws.eventName",
    "data.office365.Operation",
    "data.gcp.protoPayload.methodName",
    "data.github.action",
    "data.okta.eventType",
    "data.eventType",
    "data.audit_record.command_class",
    // What part of a firewall's settings was changed.
    "data.cfgpath",
];

/// Where a service says why it did not do it.
const ERRORS_AT: &[&str] = &["data.aws.errorCode", "data.gcp.protoPayload.status.code"];

/// Where a service says how it ended, in a word for it or for what failed.
const RESULTS_AT: &[&str] = &["data.okta.outcome.result", "data.outcome.result"];

/// Words for what was not done.
const REFUSED: &[&str] = &["failure", "deny"];

/// How sure one operation is, 1 to 100. It surely happened; whether it should have, only people know.
const STRENGTH: u8 = 40;

/// What was done that matters, in lower case, as each service names it.
const OPERATIONS: &[(&str, Class)] = &[
    ("stoplogging", Class::DefenseEvasion),
    ("deletetrail", Class::DefenseEvasion),
    ("updatetrail", Class::DefenseEvasion),
    ("puteventselectors", Class::DefenseEvasion),
    ("deleteflowlogs", Class::DefenseEvasion),
    ("deletedetector", Class::DefenseEvasion),
    ("stopconfigurationrecorder", Class::DefenseEvasion),
    ("deleteconfigrule", Class::DefenseEvasion),
    ("set-adminauditlogconfig", Class::DefenseEvasion),
    ("google.logging.v2.configservicev2.deletesink", Class::DefenseEvasion),
    ("google.logging.v2.configservicev2.updatesink", Class::DefenseEvasion),
    ("org.disable_two_factor_requirement", Class::DefenseEvasion),
    ("org.disable_saml", Class::DefenseEvasion),
    ("protected_branch.destroy", Class::DefenseEvasion),
    ("secret_scanning.disable", Class::DefenseEvasion),
    ("repository_secret_scanning.disable", Class::DefenseEvasion),
    ("deactivatemfadevice", Class::DefenseEvasion),
    ("disablesecurityhub", Class::DefenseEvasion),
    ("deleteloggroup", Class::DefenseEvasion),
    ("authorizesecuritygroupingress", Class::DefenseEvasion),
    ("policy.lifecycle.deactivate", Class::DefenseEvasion),
    ("policy.rule.deactivate", Class::DefenseEvasion),
    ("user.mfa.factor.deactivate", Class::AccountChange),
    ("user.mfa.factor.reset_all", Class::AccountChange),
    ("user.account.privilege.grant", Class::AccountChange),
    ("group.privilege.grant", Class::AccountChange),
    ("system.api_token.create", Class::Persistence),
    ("system.idp.lifecycle.create", Class::Persistence),
    ("createaccesskey", Class::AccountChange),
    ("createloginprofile", Class::AccountChange),
    ("updateloginprofile", Class::AccountChange),
    ("createuser", Class::AccountChange),
    ("attachuserpolicy", Class::AccountChange),
    ("putuserpolicy", Class::AccountChange),
    ("attachrolepolicy", Class::AccountChange),
    ("attachgrouppolicy", Class::AccountChange),
    ("putrolepolicy", Class::AccountChange),
    ("putgrouppolicy", Class::AccountChange),
    ("createpolicyversion", Class::AccountChange),
    ("setdefaultpolicyversion", Class::AccountChange),
    ("addusertogroup", Class::AccountChange),
    ("updateassumerolepolicy", Class::AccountChange),
    ("add user.", Class::AccountChange),
    ("add member to role.", Class::AccountChange),
    ("google.iam.admin.v1.createserviceaccount", Class::AccountChange),
    ("google.iam.admin.v1.createserviceaccountkey", Class::AccountChange),
    ("org.add_member", Class::AccountChange),
    ("create_user", Class::AccountChange),
    ("grant", Class::AccountChange),
    ("system.admin", Class::AccountChange),
    ("new-inboxrule", Class::Persistence),
    ("set-inboxrule", Class::Persistence),
    ("add-mailboxpermission", Class::Persistence),
    ("consent to application.", Class::Persistence),
    ("deploy_key.create", Class::Persistence),
    ("public_key.create", Class::Persistence),
    ("new-transportrule", Class::Exfiltration),
    ("putbucketpolicy", Class::Exfiltration),
    ("putbucketacl", Class::Exfiltration),
    ("putbucketpublicaccessblock", Class::Exfiltration),
    ("deletebucketpublicaccessblock", Class::Exfiltration),
    ("putaccountpublicaccessblock", Class::Exfiltration),
    ("deleteaccountpublicaccessblock", Class::Exfiltration),
    ("modifysnapshotattribute", Class::Exfiltration),
    ("modifydbsnapshotattribute", Class::Exfiltration),
    ("modifyimageattribute", Class::Exfiltration),
];

/// How services name that somebody logged in or was not let in, where the rule that reports it does not say which.
const LOGINS: &[(&str, Class)] =
    &[("userloggedin", Class::Login), ("userloginfailed", Class::BruteForce)];

/// What is done in a cluster of containers that matters, as Kubernetes' own audit log names it: the resource and what is wanted of it, or the resource
/// alone where it is made or changed.
const IN_CLUSTERS: &[(&str, &str, &str, Class)] = &[
    ("pods", "exec", "exec in a pod", Class::CommandExecution),
    ("pods", "attach", "attach to a pod", Class::CommandExecution),
    ("clusterrolebindings", "", "change of a cluster role binding", Class::AccountChange),
];

/// Verbs of Kubernetes that make or change something.
const CHANGING_VERBS: &[&str] = &["create", "update", "patch"];

/// Names the operation of the list that an alert reports, and its class.
fn listed(alert: &Alert) -> Option<(&'static str, Class)> {
    found_in(OPERATIONS, alert).or_else(|| in_cluster(alert))
}

/// Names what a cluster's audit log reports, if it matters and was done.
fn in_cluster(alert: &Alert) -> Option<(&'static str, Class)> {
    let resource = alert.field("data.objectRef.resource")?;
    let part = alert.field("data.objectRef.subresource").unwrap_or_default();
    let (.., name, class) =
        IN_CLUSTERS.iter().find(|(whole, sub, ..)| *whole == resource && *sub == part)?;
    let is_change = alert.field("data.verb").is_some_and(|verb| CHANGING_VERBS.contains(&verb));
    // A shell over a socket begins with a `get`.
    let is_done = !part.is_empty() || is_change;
    let is_refused =
        alert.field("data.responseStatus.code").is_some_and(|code| code.starts_with(['4', '5']));
    (is_done && !is_refused).then_some((*name, *class))
}

fn found_in(list: &[(&'static str, Class)], alert: &Alert) -> Option<(&'static str, Class)> {
    let done = alert.first_field(OPERATIONS_AT)?.to_lowercase();
    list.iter().find(|(name, _)| done == *name).copied()
}

/// Finds a login of the one to whom a whole account in a cloud belongs.
pub(super) fn root_login(alert: &Alert) -> Option<(&'static str, Class)> {
    let is_root = alert.field("data.aws.userIdentity.type").is_some_and(|kind| kind == "Root");
    let is_login = alert.field("data.aws.eventName").is_some_and(|name| name == "ConsoleLogin");
    (is_root && is_login).then_some(("ConsoleLogin of root", Class::PrivilegeEscalation))
}

/// Takes the word of a service for what was done in it.
pub(super) fn class(alert: &Alert) -> Option<Class> {
    let named = || listed(alert).or_else(|| found_in(LOGINS, alert)).map(|(_, class)| class);
    // Docker says with what a program was started in a container: `exec_start: /bin/sh`.
    let is_command =
        alert.field("data.docker.Action").is_some_and(|action| action.starts_with("exec_"));
    if is_command { Some(Class::CommandExecution) } else { named() }
}

/// Looks at the operation that an alert reports, if it reports one of the list that was done.
pub(super) fn telling(alert: &Alert) -> Option<Finding> {
    let (name, class) = listed(alert).or_else(|| root_login(alert))?;
    let has_failed = alert.first_field(ERRORS_AT).is_some_and(|code| !matches!(code, "" | "0"));
    let is_refused = alert
        .first_field(RESULTS_AT)
        .is_some_and(|result| REFUSED.iter().any(|word| result.eq_ignore_ascii_case(word)));
    if has_failed || is_refused {
        return None;
    }
    let does = match class {
        Class::DefenseEvasion => "switches off or changes a record or a defence",
        Class::PrivilegeEscalation => "lets in who may do everything, whom nobody should need",
        Class::CommandExecution => "runs a program where only the service should run",
        Class::AccountChange => "makes an account or a key, or lets one do more",
        Class::Exfiltration => "may show others what was kept inside",
        _ => "leaves a way back in",
    };
    Some(Finding {
        class,
        strength: STRENGTH,
        parameter: None,
        fragment: Untrusted::new(name),
        reason: format!("the operation {} {does}", name.trim_end_matches('.')),
    })
}
