//! Table: the techniques and sub-techniques of MITRE ATT&CK Enterprise, version 17.0, with their names and tactics.
//!
//! A verdict may only name techniques that exist: [`exists`] is what a model's answer is checked against, [`technique`] gives the
//! name to show and the tactics from which a campaign's stages are told. The rows are sorted by id; a look-up is a binary search
//! and allocates nothing, whatever text it is asked for.
//!
//! The rows are facts (ids, names, tactics), taken from the data that pySigma 0.11.23 carries, and nothing else of ATT&CK is here.
//! ATT&CK is (c) 2025 The MITRE Corporation and a registered trademark of The MITRE Corporation.
//!
//! Left out: the mobile and industrial matrices, and every description. An id that was retired before version 17.0 is read as its
//! successor where it has one (Wazuh 4.14's rules carry T1574.002), and is unknown where it has none.

use std::fmt;

mod retired;

use Tactic::{
    Collection as COLLECT, CommandAndControl as CONTROL, CredentialAccess as CREDENTIAL,
    DefenseEvasion as EVADE, Discovery as DISCOVER, Execution as EXECUTE,
    Exfiltration as EXFILTRATE, Impact as IMPACT, InitialAccess as ACCESS,
    LateralMovement as LATERAL, Persistence as PERSIST, PrivilegeEscalation as ESCALATE,
    Reconnaissance as RECON, ResourceDevelopment as RESOURCE,
};

/// The version of ATT&CK that the table holds.
pub const ATTACK_VERSION: &str = "17.0";

/// One technique or sub-technique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Technique {
    /// `T` and four digits; a sub-technique adds a dot and three more.
    pub id: &'static str,
    /// The name as ATT&CK has it. A sub-technique's name doesn't repeat its parent's.
    pub name: &'static str,
    /// What an adversary uses it for, in the order of an attack. Never empty.
    pub tactics: &'static [Tactic],
}

/// What an adversary is after at one stage. Declared in the order of an attack, so that the later stage is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tactic {
    /// Gathering what is needed to plan.
    Reconnaissance,
    /// Getting hold of hosts, accounts and tools to attack from.
    ResourceDevelopment,
    /// Getting in.
    InitialAccess,
    /// Running code.
    Execution,
    /// Staying in.
    Persistence,
    /// Getting more rights.
    PrivilegeEscalation,
    /// Not being seen.
    DefenseEvasion,
    /// Getting passwords, keys and tokens.
    CredentialAccess,
    /// Looking around inside.
    Discovery,
    /// Going on to other hosts.
    LateralMovement,
    /// Gathering what is worth taking.
    Collection,
    /// Steering what was taken over.
    CommandAndControl,
    /// Taking data out.
    Exfiltration,
    /// Breaking, blocking or altering things.
    Impact,
}

impl Tactic {
    /// Gives the name as ATT&CK and Wazuh write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reconnaissance => "Reconnaissance",
            Self::ResourceDevelopment => "Resource Development",
            Self::InitialAccess => "Initial Access",
            Self::Execution => "Execution",
            Self::Persistence => "Persistence",
            Self::PrivilegeEscalation => "Privilege Escalation",
            Self::DefenseEvasion => "Defense Evasion",
            Self::CredentialAccess => "Credential Access",
            Self::Discovery => "Discovery",
            Self::LateralMovement => "Lateral Movement",
            Self::Collection => "Collection",
            Self::CommandAndControl => "Command and Control",
            Self::Exfiltration => "Exfiltration",
            Self::Impact => "Impact",
        }
    }

    /// Gives the place in the course of an attack, from 0.
    pub const fn order(self) -> u8 {
        match self {
            Self::Reconnaissance => 0,
            Self::ResourceDevelopment => 1,
            Self::InitialAccess => 2,
            Self::Execution => 3,
            Self::Persistence => 4,
            Self::PrivilegeEscalation => 5,
            Self::DefenseEvasion => 6,
            Self::CredentialAccess => 7,
            Self::Discovery => 8,
            Self::LateralMovement => 9,
            Self::Collection => 10,
            Self::CommandAndControl => 11,
            Self::Exfiltration => 12,
            Self::Impact => 13,
        }
    }
}

impl fmt::Display for Tactic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// Finds a technique by its id, in either case and with blanks around it. A retired id gives the technique that took its place.
pub fn technique(id: &str) -> Option<&'static Technique> {
    let wanted = id.trim();
    current(wanted).or_else(|| retired::successor(wanted).and_then(current))
}

fn current(wanted: &str) -> Option<&'static Technique> {
    // Compared byte by byte rather than through an upper-cased copy: ids come from models, and a copy would be as long as they like.
    let place = TECHNIQUES.binary_search_by(|row| {
        row.id.bytes().cmp(wanted.bytes().map(|byte| byte.to_ascii_uppercase()))
    });
    place.ok().and_then(|index| TECHNIQUES.get(index))
}

/// Tells whether ATT&CK has a technique or sub-technique of this id, or had one that lives on under another.
pub fn exists(id: &str) -> bool {
    technique(id).is_some()
}

/// Makes one row; keeps the table at one line each.
const fn row(id: &'static str, name: &'static str, tactics: &'static [Tactic]) -> Technique {
    Technique { id, name, tactics }
}

/// Every row, sorted by id.
#[rustfmt::skip]
static TECHNIQUES: &[Technique] = &[
    row("T1001", "Data Obfuscation", &[CONTROL]),
    row("T1001.001", "Junk Data", &[CONTROL]),
    row("T1001.002", "Steganography", &[CONTROL]),
    row("T1001.003", "Protocol Impersonation", &[CONTROL]),
    row("T1003", "OS Credential Dumping", &[CREDENTIAL]),
    row("T1003.001", "LSASS Memory", &[CREDENTIAL]),
    row("T1003.002", "Security Account Manager", &[CREDENTIAL]),
    row("T1003.003", "NTDS", &[CREDENTIAL]),
    row("T1003.004", "LSA Secrets", &[CREDENTIAL]),
    row("T1003.005", "Cached Domain Credentials", &[CREDENTIAL]),
    row("T1003.006", "DCSync", &[CREDENTIAL]),
    row("T1003.007", "Proc Filesystem", &[CREDENTIAL]),
    row("T1003.008", "/etc/passwd and /etc/shadow", &[CREDENTIAL]),
    row("T1005", "Data from Local System", &[COLLECT]),
    row("T1006", "Direct Volume Access", &[EVADE]),
    row("T1007", "System Service Discovery", &[DISCOVER]),
    row("T1008", "Fallback Channels", &[CONTROL]),
    row("T1010", "Application Window Discovery", &[DISCOVER]),
    row("T1011", "Exfiltration Over Other Network Medium", &[EXFILTRATE]),
    row("T1011.001", "Exfiltration Over Bluetooth", &[EXFILTRATE]),
    row("T1012", "Query Registry", &[DISCOVER]),
    row("T1014", "Rootkit", &[EVADE]),
    row("T1016", "System Network Configuration Discovery", &[DISCOVER]),
    row("T1016.001", "Internet Connection Discovery", &[DISCOVER]),
    row("T1016.002", "Wi-Fi Discovery", &[DISCOVER]),
    row("T1018", "Remote System Discovery", &[DISCOVER]),
    row("T1020", "Automated Exfiltration", &[EXFILTRATE]),
    row("T1020.001", "Traffic Duplication", &[EXFILTRATE]),
    row("T1021", "Remote Services", &[LATERAL]),
    row("T1021.001", "Remote Desktop Protocol", &[LATERAL]),
    row("T1021.002", "SMB/Windows Admin Shares", &[LATERAL]),
    row("T1021.003", "Distributed Component Object Model", &[LATERAL]),
    row("T1021.004", "SSH", &[LATERAL]),
    row("T1021.005", "VNC", &[LATERAL]),
    row("T1021.006", "Windows Remote Management", &[LATERAL]),
    row("T1021.007", "Cloud Services", &[LATERAL]),
    row("T1021.008", "Direct Cloud VM Connections", &[LATERAL]),
    row("T1025", "Data from Removable Media", &[COLLECT]),
    row("T1027", "Obfuscated Files or Information", &[EVADE]),
    row("T1027.001", "Binary Padding", &[EVADE]),
    row("T1027.002", "Software Packing", &[EVADE]),
    row("T1027.003", "Steganography", &[EVADE]),
    row("T1027.004", "Compile After Delivery", &[EVADE]),
    row("T1027.005", "Indicator Removal from Tools", &[EVADE]),
    row("T1027.006", "HTML Smuggling", &[EVADE]),
    row("T1027.007", "Dynamic API Resolution", &[EVADE]),
    row("T1027.008", "Stripped Payloads", &[EVADE]),
    row("T1027.009", "Embedded Payloads", &[EVADE]),
    row("T1027.010", "Command Obfuscation", &[EVADE]),
    row("T1027.011", "Fileless Storage", &[EVADE]),
    row("T1027.012", "LNK Icon Smuggling", &[EVADE]),
    row("T1027.013", "Encrypted/Encoded File", &[EVADE]),
    row("T1027.014", "Polymorphic Code", &[EVADE]),
    row("T1027.015", "Compression", &[EVADE]),
    row("T1027.016", "Junk Code Insertion", &[EVADE]),
    row("T1027.017", "SVG Smuggling", &[EVADE]),
    row("T1029", "Scheduled Transfer", &[EXFILTRATE]),
    row("T1030", "Data Transfer Size Limits", &[EXFILTRATE]),
    row("T1033", "System Owner/User Discovery", &[DISCOVER]),
    row("T1036", "Masquerading", &[EVADE]),
    row("T1036.001", "Invalid Code Signature", &[EVADE]),
    row("T1036.002", "Right-to-Left Override", &[EVADE]),
    row("T1036.003", "Rename Legitimate Utilities", &[EVADE]),
    row("T1036.004", "Masquerade Task or Service", &[EVADE]),
    row("T1036.005", "Match Legitimate Resource Name or Location", &[EVADE]),
    row("T1036.006", "Space after Filename", &[EVADE]),
    row("T1036.007", "Double File Extension", &[EVADE]),
    row("T1036.008", "Masquerade File Type", &[EVADE]),
    row("T1036.009", "Break Process Trees", &[EVADE]),
    row("T1036.010", "Masquerade Account Name", &[EVADE]),
    row("T1036.011", "Overwrite Process Arguments", &[EVADE]),
    row("T1037", "Boot or Logon Initialization Scripts", &[PERSIST, ESCALATE]),
    row("T1037.001", "Logon Script (Windows)", &[PERSIST, ESCALATE]),
    row("T1037.002", "Login Hook", &[PERSIST, ESCALATE]),
    row("T1037.003", "Network Logon Script", &[PERSIST, ESCALATE]),
    row("T1037.004", "RC Scripts", &[PERSIST, ESCALATE]),
    row("T1037.005", "Startup Items", &[PERSIST, ESCALATE]),
    row("T1039", "Data from Network Shared Drive", &[COLLECT]),
    row("T1040", "Network Sniffing", &[CREDENTIAL, DISCOVER]),
    row("T1041", "Exfiltration Over C2 Channel", &[EXFILTRATE]),
    row("T1046", "Network Service Discovery", &[DISCOVER]),
    row("T1047", "Windows Management Instrumentation", &[EXECUTE]),
    row("T1048", "Exfiltration Over Alternative Protocol", &[EXFILTRATE]),
    row("T1048.001", "Exfiltration Over Symmetric Encrypted Non-C2 Protocol", &[EXFILTRATE]),
    row("T1048.002", "Exfiltration Over Asymmetric Encrypted Non-C2 Protocol", &[EXFILTRATE]),
    row("T1048.003", "Exfiltration Over Unencrypted Non-C2 Protocol", &[EXFILTRATE]),
    row("T1049", "System Network Connections Discovery", &[DISCOVER]),
    row("T1052", "Exfiltration Over Physical Medium", &[EXFILTRATE]),
    row("T1052.001", "Exfiltration over USB", &[EXFILTRATE]),
    row("T1053", "Scheduled Task/Job", &[EXECUTE, PERSIST, ESCALATE]),
    row("T1053.002", "At", &[EXECUTE, PERSIST, ESCALATE]),
    row("T1053.003", "Cron", &[EXECUTE, PERSIST, ESCALATE]),
    row("T1053.005", "Scheduled Task", &[EXECUTE, PERSIST, ESCALATE]),
    row("T1053.006", "Systemd Timers", &[EXECUTE, PERSIST, ESCALATE]),
    row("T1053.007", "Container Orchestration Job", &[EXECUTE, PERSIST, ESCALATE]),
    row("T1055", "Process Injection", &[ESCALATE, EVADE]),
    row("T1055.001", "Dynamic-link Library Injection", &[ESCALATE, EVADE]),
    row("T1055.002", "Portable Executable Injection", &[ESCALATE, EVADE]),
    row("T1055.003", "Thread Execution Hijacking", &[ESCALATE, EVADE]),
    row("T1055.004", "Asynchronous Procedure Call", &[ESCALATE, EVADE]),
    row("T1055.005", "Thread Local Storage", &[ESCALATE, EVADE]),
    row("T1055.008", "Ptrace System Calls", &[ESCALATE, EVADE]),
    row("T1055.009", "Proc Memory", &[ESCALATE, EVADE]),
    row("T1055.011", "Extra Window Memory Injection", &[ESCALATE, EVADE]),
    row("T1055.012", "Process Hollowing", &[ESCALATE, EVADE]),
    row("T1055.013", "Process Doppelgänging", &[ESCALATE, EVADE]),
    row("T1055.014", "VDSO Hijacking", &[ESCALATE, EVADE]),
    row("T1055.015", "ListPlanting", &[ESCALATE, EVADE]),
    row("T1056", "Input Capture", &[CREDENTIAL, COLLECT]),
    row("T1056.001", "Keylogging", &[CREDENTIAL, COLLECT]),
    row("T1056.002", "GUI Input Capture", &[CREDENTIAL, COLLECT]),
    row("T1056.003", "Web Portal Capture", &[CREDENTIAL, COLLECT]),
    row("T1056.004", "Credential API Hooking", &[CREDENTIAL, COLLECT]),
    row("T1057", "Process Discovery", &[DISCOVER]),
    row("T1059", "Command and Scripting Interpreter", &[EXECUTE]),
    row("T1059.001", "PowerShell", &[EXECUTE]),
    row("T1059.002", "AppleScript", &[EXECUTE]),
    row("T1059.003", "Windows Command Shell", &[EXECUTE]),
    row("T1059.004", "Unix Shell", &[EXECUTE]),
    row("T1059.005", "Visual Basic", &[EXECUTE]),
    row("T1059.006", "Python", &[EXECUTE]),
    row("T1059.007", "JavaScript", &[EXECUTE]),
    row("T1059.008", "Network Device CLI", &[EXECUTE]),
    row("T1059.009", "Cloud API", &[EXECUTE]),
    row("T1059.010", "AutoHotKey & AutoIT", &[EXECUTE]),
    row("T1059.011", "Lua", &[EXECUTE]),
    row("T1059.012", "Hypervisor CLI", &[EXECUTE]),
    row("T1068", "Exploitation for Privilege Escalation", &[ESCALATE]),
    row("T1069", "Permission Groups Discovery", &[DISCOVER]),
    row("T1069.001", "Local Groups", &[DISCOVER]),
    row("T1069.002", "Domain Groups", &[DISCOVER]),
    row("T1069.003", "Cloud Groups", &[DISCOVER]),
    row("T1070", "Indicator Removal", &[EVADE]),
    row("T1070.001", "Clear Windows Event Logs", &[EVADE]),
    row("T1070.002", "Clear Linux or Mac System Logs", &[EVADE]),
    row("T1070.003", "Clear Command History", &[EVADE]),
    row("T1070.004", "File Deletion", &[EVADE]),
    row("T1070.005", "Network Share Connection Removal", &[EVADE]),
    row("T1070.006", "Timestomp", &[EVADE]),
    row("T1070.007", "Clear Network Connection History and Configurations", &[EVADE]),
    row("T1070.008", "Clear Mailbox Data", &[EVADE]),
    row("T1070.009", "Clear Persistence", &[EVADE]),
    row("T1071", "Application Layer Protocol", &[CONTROL]),
    row("T1071.001", "Web Protocols", &[CONTROL]),
    row("T1071.002", "File Transfer Protocols", &[CONTROL]),
    row("T1071.003", "Mail Protocols", &[CONTROL]),
    row("T1071.004", "DNS", &[CONTROL]),
    row("T1072", "Software Deployment Tools", &[EXECUTE, LATERAL]),
    row("T1074", "Data Staged", &[COLLECT]),
    row("T1074.001", "Local Data Staging", &[COLLECT]),
    row("T1074.002", "Remote Data Staging", &[COLLECT]),
    row("T1078", "Valid Accounts", &[ACCESS, PERSIST, ESCALATE, EVADE]),
    row("T1078.001", "Default Accounts", &[ACCESS, PERSIST, ESCALATE, EVADE]),
    row("T1078.002", "Domain Accounts", &[ACCESS, PERSIST, ESCALATE, EVADE]),
    row("T1078.003", "Local Accounts", &[ACCESS, PERSIST, ESCALATE, EVADE]),
    row("T1078.004", "Cloud Accounts", &[ACCESS, PERSIST, ESCALATE, EVADE]),
    row("T1080", "Taint Shared Content", &[LATERAL]),
    row("T1082", "System Information Discovery", &[DISCOVER]),
    row("T1083", "File and Directory Discovery", &[DISCOVER]),
    row("T1087", "Account Discovery", &[DISCOVER]),
    row("T1087.001", "Local Account", &[DISCOVER]),
    row("T1087.002", "Domain Account", &[DISCOVER]),
    row("T1087.003", "Email Account", &[DISCOVER]),
    row("T1087.004", "Cloud Account", &[DISCOVER]),
    row("T1090", "Proxy", &[CONTROL]),
    row("T1090.001", "Internal Proxy", &[CONTROL]),
    row("T1090.002", "External Proxy", &[CONTROL]),
    row("T1090.003", "Multi-hop Proxy", &[CONTROL]),
    row("T1090.004", "Domain Fronting", &[CONTROL]),
    row("T1091", "Replication Through Removable Media", &[ACCESS, LATERAL]),
    row("T1092", "Communication Through Removable Media", &[CONTROL]),
    row("T1095", "Non-Application Layer Protocol", &[CONTROL]),
    row("T1098", "Account Manipulation", &[PERSIST, ESCALATE]),
    row("T1098.001", "Additional Cloud Credentials", &[PERSIST, ESCALATE]),
    row("T1098.002", "Additional Email Delegate Permissions", &[PERSIST, ESCALATE]),
    row("T1098.003", "Additional Cloud Roles", &[PERSIST, ESCALATE]),
    row("T1098.004", "SSH Authorized Keys", &[PERSIST, ESCALATE]),
    row("T1098.005", "Device Registration", &[PERSIST, ESCALATE]),
    row("T1098.006", "Additional Container Cluster Roles", &[PERSIST, ESCALATE]),
    row("T1102", "Web Service", &[CONTROL]),
    row("T1102.001", "Dead Drop Resolver", &[CONTROL]),
    row("T1102.002", "Bidirectional Communication", &[CONTROL]),
    row("T1102.003", "One-Way Communication", &[CONTROL]),
    row("T1104", "Multi-Stage Channels", &[CONTROL]),
    row("T1105", "Ingress Tool Transfer", &[CONTROL]),
    row("T1106", "Native API", &[EXECUTE]),
    row("T1110", "Brute Force", &[CREDENTIAL]),
    row("T1110.001", "Password Guessing", &[CREDENTIAL]),
    row("T1110.002", "Password Cracking", &[CREDENTIAL]),
    row("T1110.003", "Password Spraying", &[CREDENTIAL]),
    row("T1110.004", "Credential Stuffing", &[CREDENTIAL]),
    row("T1111", "Multi-Factor Authentication Interception", &[CREDENTIAL]),
    row("T1112", "Modify Registry", &[PERSIST, EVADE]),
    row("T1113", "Screen Capture", &[COLLECT]),
    row("T1114", "Email Collection", &[COLLECT]),
    row("T1114.001", "Local Email Collection", &[COLLECT]),
    row("T1114.002", "Remote Email Collection", &[COLLECT]),
    row("T1114.003", "Email Forwarding Rule", &[COLLECT]),
    row("T1115", "Clipboard Data", &[COLLECT]),
    row("T1119", "Automated Collection", &[COLLECT]),
    row("T1120", "Peripheral Device Discovery", &[DISCOVER]),
    row("T1123", "Audio Capture", &[COLLECT]),
    row("T1124", "System Time Discovery", &[DISCOVER]),
    row("T1125", "Video Capture", &[COLLECT]),
    row("T1127", "Trusted Developer Utilities Proxy Execution", &[EVADE]),
    row("T1127.001", "MSBuild", &[EVADE]),
    row("T1127.002", "ClickOnce", &[EVADE]),
    row("T1127.003", "JamPlus", &[EVADE]),
    row("T1129", "Shared Modules", &[EXECUTE]),
    row("T1132", "Data Encoding", &[CONTROL]),
    row("T1132.001", "Standard Encoding", &[CONTROL]),
    row("T1132.002", "Non-Standard Encoding", &[CONTROL]),
    row("T1133", "External Remote Services", &[ACCESS, PERSIST]),
    row("T1134", "Access Token Manipulation", &[ESCALATE, EVADE]),
    row("T1134.001", "Token Impersonation/Theft", &[ESCALATE, EVADE]),
    row("T1134.002", "Create Process with Token", &[ESCALATE, EVADE]),
    row("T1134.003", "Make and Impersonate Token", &[ESCALATE, EVADE]),
    row("T1134.004", "Parent PID Spoofing", &[ESCALATE, EVADE]),
    row("T1134.005", "SID-History Injection", &[ESCALATE, EVADE]),
    row("T1135", "Network Share Discovery", &[DISCOVER]),
    row("T1136", "Create Account", &[PERSIST]),
    row("T1136.001", "Local Account", &[PERSIST]),
    row("T1136.002", "Domain Account", &[PERSIST]),
    row("T1136.003", "Cloud Account", &[PERSIST]),
    row("T1137", "Office Application Startup", &[PERSIST]),
    row("T1137.001", "Office Template Macros", &[PERSIST]),
    row("T1137.002", "Office Test", &[PERSIST]),
    row("T1137.003", "Outlook Forms", &[PERSIST]),
    row("T1137.004", "Outlook Home Page", &[PERSIST]),
    row("T1137.005", "Outlook Rules", &[PERSIST]),
    row("T1137.006", "Add-ins", &[PERSIST]),
    row("T1140", "Deobfuscate/Decode Files or Information", &[EVADE]),
    row("T1176", "Software Extensions", &[PERSIST]),
    row("T1176.001", "Browser Extensions", &[PERSIST]),
    row("T1176.002", "IDE Extensions", &[PERSIST]),
    row("T1185", "Browser Session Hijacking", &[COLLECT]),
    row("T1187", "Forced Authentication", &[CREDENTIAL]),
    row("T1189", "Drive-by Compromise", &[ACCESS]),
    row("T1190", "Exploit Public-Facing Application", &[ACCESS]),
    row("T1195", "Supply Chain Compromise", &[ACCESS]),
    row("T1195.001", "Compromise Software Dependencies and Development Tools", &[ACCESS]),
    row("T1195.002", "Compromise Software Supply Chain", &[ACCESS]),
    row("T1195.003", "Compromise Hardware Supply Chain", &[ACCESS]),
    row("T1197", "BITS Jobs", &[PERSIST, EVADE]),
    row("T1199", "Trusted Relationship", &[ACCESS]),
    row("T1200", "Hardware Additions", &[ACCESS]),
    row("T1201", "Password Policy Discovery", &[DISCOVER]),
    row("T1202", "Indirect Command Execution", &[EVADE]),
    row("T1203", "Exploitation for Client Execution", &[EXECUTE]),
    row("T1204", "User Execution", &[EXECUTE]),
    row("T1204.001", "Malicious Link", &[EXECUTE]),
    row("T1204.002", "Malicious File", &[EXECUTE]),
    row("T1204.003", "Malicious Image", &[EXECUTE]),
    row("T1204.004", "Malicious Copy and Paste", &[EXECUTE]),
    row("T1205", "Traffic Signaling", &[PERSIST, EVADE, CONTROL]),
    row("T1205.001", "Port Knocking", &[PERSIST, EVADE, CONTROL]),
    row("T1205.002", "Socket Filters", &[PERSIST, EVADE, CONTROL]),
    row("T1207", "Rogue Domain Controller", &[EVADE]),
    row("T1210", "Exploitation of Remote Services", &[LATERAL]),
    row("T1211", "Exploitation for Defense Evasion", &[EVADE]),
    row("T1212", "Exploitation for Credential Access", &[CREDENTIAL]),
    row("T1213", "Data from Information Repositories", &[COLLECT]),
    row("T1213.001", "Confluence", &[COLLECT]),
    row("T1213.002", "Sharepoint", &[COLLECT]),
    row("T1213.003", "Code Repositories", &[COLLECT]),
    row("T1216", "System Script Proxy Execution", &[EVADE]),
    row("T1216.001", "PubPrn", &[EVADE]),
    row("T1216.002", "SyncAppvPublishingServer", &[EVADE]),
    row("T1217", "Browser Information Discovery", &[DISCOVER]),
    row("T1218", "System Binary Proxy Execution", &[EVADE]),
    row("T1218.001", "Compiled HTML File", &[EVADE]),
    row("T1218.002", "Control Panel", &[EVADE]),
    row("T1218.003", "CMSTP", &[EVADE]),
    row("T1218.004", "InstallUtil", &[EVADE]),
    row("T1218.005", "Mshta", &[EVADE]),
    row("T1218.007", "Msiexec", &[EVADE]),
    row("T1218.008", "Odbcconf", &[EVADE]),
    row("T1218.009", "Regsvcs/Regasm", &[EVADE]),
    row("T1218.010", "Regsvr32", &[EVADE]),
    row("T1218.011", "Rundll32", &[EVADE]),
    row("T1218.012", "Verclsid", &[EVADE]),
    row("T1218.013", "Mavinject", &[EVADE]),
    row("T1218.014", "MMC", &[EVADE]),
    row("T1218.015", "Electron Applications", &[EVADE]),
    row("T1219", "Remote Access Tools", &[CONTROL]),
    row("T1219.001", "IDE Tunneling", &[CONTROL]),
    row("T1219.002", "Remote Desktop Software", &[CONTROL]),
    row("T1219.003", "Remote Access Hardware", &[CONTROL]),
    row("T1220", "XSL Script Processing", &[EVADE]),
    row("T1221", "Template Injection", &[EVADE]),
    row("T1222", "File and Directory Permissions Modification", &[EVADE]),
    row("T1222.001", "Windows File and Directory Permissions Modification", &[EVADE]),
    row("T1222.002", "Linux and Mac File and Directory Permissions Modification", &[EVADE]),
    row("T1480", "Execution Guardrails", &[EVADE]),
    row("T1480.001", "Environmental Keying", &[EVADE]),
    row("T1482", "Domain Trust Discovery", &[DISCOVER]),
    row("T1484", "Domain or Tenant Policy Modification", &[ESCALATE, EVADE]),
    row("T1484.001", "Group Policy Modification", &[ESCALATE, EVADE]),
    row("T1484.002", "Trust Modification", &[ESCALATE, EVADE]),
    row("T1485", "Data Destruction", &[IMPACT]),
    row("T1486", "Data Encrypted for Impact", &[IMPACT]),
    row("T1489", "Service Stop", &[IMPACT]),
    row("T1490", "Inhibit System Recovery", &[IMPACT]),
    row("T1491", "Defacement", &[IMPACT]),
    row("T1491.001", "Internal Defacement", &[IMPACT]),
    row("T1491.002", "External Defacement", &[IMPACT]),
    row("T1495", "Firmware Corruption", &[IMPACT]),
    row("T1496", "Resource Hijacking", &[IMPACT]),
    row("T1497", "Virtualization/Sandbox Evasion", &[EVADE, DISCOVER]),
    row("T1497.001", "System Checks", &[EVADE, DISCOVER]),
    row("T1497.002", "User Activity Based Checks", &[EVADE, DISCOVER]),
    row("T1497.003", "Time Based Evasion", &[EVADE, DISCOVER]),
    row("T1498", "Network Denial of Service", &[IMPACT]),
    row("T1498.001", "Direct Network Flood", &[IMPACT]),
    row("T1498.002", "Reflection Amplification", &[IMPACT]),
    row("T1499", "Endpoint Denial of Service", &[IMPACT]),
    row("T1499.001", "OS Exhaustion Flood", &[IMPACT]),
    row("T1499.002", "Service Exhaustion Flood", &[IMPACT]),
    row("T1499.003", "Application Exhaustion Flood", &[IMPACT]),
    row("T1499.004", "Application or System Exploitation", &[IMPACT]),
    row("T1505", "Server Software Component", &[PERSIST]),
    row("T1505.001", "SQL Stored Procedures", &[PERSIST]),
    row("T1505.002", "Transport Agent", &[PERSIST]),
    row("T1505.003", "Web Shell", &[PERSIST]),
    row("T1505.004", "IIS Components", &[PERSIST]),
    row("T1505.005", "Terminal Services DLL", &[PERSIST]),
    row("T1505.006", "vSphere Installation Bundles", &[PERSIST]),
    row("T1518", "Software Discovery", &[DISCOVER]),
    row("T1518.001", "Security Software Discovery", &[DISCOVER]),
    row("T1525", "Implant Internal Image", &[PERSIST]),
    row("T1526", "Cloud Service Discovery", &[DISCOVER]),
    row("T1528", "Steal Application Access Token", &[CREDENTIAL]),
    row("T1529", "System Shutdown/Reboot", &[IMPACT]),
    row("T1530", "Data from Cloud Storage", &[COLLECT]),
    row("T1531", "Account Access Removal", &[IMPACT]),
    row("T1534", "Internal Spearphishing", &[LATERAL]),
    row("T1535", "Unused/Unsupported Cloud Regions", &[EVADE]),
    row("T1537", "Transfer Data to Cloud Account", &[EXFILTRATE]),
    row("T1538", "Cloud Service Dashboard", &[DISCOVER]),
    row("T1539", "Steal Web Session Cookie", &[CREDENTIAL]),
    row("T1542", "Pre-OS Boot", &[PERSIST, EVADE]),
    row("T1542.001", "System Firmware", &[PERSIST, EVADE]),
    row("T1542.002", "Component Firmware", &[PERSIST, EVADE]),
    row("T1542.003", "Bootkit", &[PERSIST, EVADE]),
    row("T1542.004", "ROMMONkit", &[PERSIST, EVADE]),
    row("T1542.005", "TFTP Boot", &[PERSIST, EVADE]),
    row("T1543", "Create or Modify System Process", &[PERSIST, ESCALATE]),
    row("T1543.001", "Launch Agent", &[PERSIST, ESCALATE]),
    row("T1543.002", "Systemd Service", &[PERSIST, ESCALATE]),
    row("T1543.003", "Windows Service", &[PERSIST, ESCALATE]),
    row("T1543.004", "Launch Daemon", &[PERSIST, ESCALATE]),
    row("T1543.005", "Container Service", &[PERSIST, ESCALATE]),
    row("T1546", "Event Triggered Execution", &[PERSIST, ESCALATE]),
    row("T1546.001", "Change Default File Association", &[PERSIST, ESCALATE]),
    row("T1546.002", "Screensaver", &[PERSIST, ESCALATE]),
    row("T1546.003", "Windows Management Instrumentation Event Subscription", &[PERSIST, ESCALATE]),
    row("T1546.004", "Unix Shell Configuration Modification", &[PERSIST, ESCALATE]),
    row("T1546.005", "Trap", &[PERSIST, ESCALATE]),
    row("T1546.006", "LC_LOAD_DYLIB Addition", &[PERSIST, ESCALATE]),
    row("T1546.007", "Netsh Helper DLL", &[PERSIST, ESCALATE]),
    row("T1546.008", "Accessibility Features", &[PERSIST, ESCALATE]),
    row("T1546.009", "AppCert DLLs", &[PERSIST, ESCALATE]),
    row("T1546.010", "AppInit DLLs", &[PERSIST, ESCALATE]),
    row("T1546.011", "Application Shimming", &[PERSIST, ESCALATE]),
    row("T1546.012", "Image File Execution Options Injection", &[PERSIST, ESCALATE]),
    row("T1546.013", "PowerShell Profile", &[PERSIST, ESCALATE]),
    row("T1546.014", "Emond", &[PERSIST, ESCALATE]),
    row("T1546.015", "Component Object Model Hijacking", &[PERSIST, ESCALATE]),
    row("T1546.016", "Installer Packages", &[PERSIST, ESCALATE]),
    row("T1547", "Boot or Logon Autostart Execution", &[PERSIST, ESCALATE]),
    row("T1547.001", "Registry Run Keys / Startup Folder", &[PERSIST, ESCALATE]),
    row("T1547.002", "Authentication Package", &[PERSIST, ESCALATE]),
    row("T1547.003", "Time Providers", &[PERSIST, ESCALATE]),
    row("T1547.004", "Winlogon Helper DLL", &[PERSIST, ESCALATE]),
    row("T1547.005", "Security Support Provider", &[PERSIST, ESCALATE]),
    row("T1547.006", "Kernel Modules and Extensions", &[PERSIST, ESCALATE]),
    row("T1547.007", "Re-opened Applications", &[PERSIST, ESCALATE]),
    row("T1547.008", "LSASS Driver", &[PERSIST, ESCALATE]),
    row("T1547.009", "Shortcut Modification", &[PERSIST, ESCALATE]),
    row("T1547.010", "Port Monitors", &[PERSIST, ESCALATE]),
    row("T1547.012", "Print Processors", &[PERSIST, ESCALATE]),
    row("T1547.013", "XDG Autostart Entries", &[PERSIST, ESCALATE]),
    row("T1547.014", "Active Setup", &[PERSIST, ESCALATE]),
    row("T1547.015", "Login Items", &[PERSIST, ESCALATE]),
    row("T1548", "Abuse Elevation Control Mechanism", &[ESCALATE, EVADE]),
    row("T1548.001", "Setuid and Setgid", &[ESCALATE, EVADE]),
    row("T1548.002", "Bypass User Account Control", &[ESCALATE, EVADE]),
    row("T1548.003", "Sudo and Sudo Caching", &[ESCALATE, EVADE]),
    row("T1548.004", "Elevated Execution with Prompt", &[ESCALATE, EVADE]),
    row("T1548.005", "Temporary Elevated Cloud Access", &[ESCALATE, EVADE]),
    row("T1548.006", "TCC Manipulation", &[ESCALATE, EVADE]),
    row("T1550", "Use Alternate Authentication Material", &[EVADE, LATERAL]),
    row("T1550.001", "Application Access Token", &[EVADE, LATERAL]),
    row("T1550.002", "Pass the Hash", &[EVADE, LATERAL]),
    row("T1550.003", "Pass the Ticket", &[EVADE, LATERAL]),
    row("T1550.004", "Web Session Cookie", &[EVADE, LATERAL]),
    row("T1552", "Unsecured Credentials", &[CREDENTIAL]),
    row("T1552.001", "Credentials In Files", &[CREDENTIAL]),
    row("T1552.002", "Credentials in Registry", &[CREDENTIAL]),
    row("T1552.003", "Bash History", &[CREDENTIAL]),
    row("T1552.004", "Private Keys", &[CREDENTIAL]),
    row("T1552.005", "Cloud Instance Metadata API", &[CREDENTIAL]),
    row("T1552.006", "Group Policy Preferences", &[CREDENTIAL]),
    row("T1552.007", "Container API", &[CREDENTIAL]),
    row("T1552.008", "Chat Messages", &[CREDENTIAL]),
    row("T1553", "Subvert Trust Controls", &[EVADE]),
    row("T1553.001", "Gatekeeper Bypass", &[EVADE]),
    row("T1553.002", "Code Signing", &[EVADE]),
    row("T1553.003", "SIP and Trust Provider Hijacking", &[EVADE]),
    row("T1553.004", "Install Root Certificate", &[EVADE]),
    row("T1553.005", "Mark-of-the-Web Bypass", &[EVADE]),
    row("T1553.006", "Code Signing Policy Modification", &[EVADE]),
    row("T1554", "Compromise Host Software Binary", &[PERSIST]),
    row("T1555", "Credentials from Password Stores", &[CREDENTIAL]),
    row("T1555.001", "Keychain", &[CREDENTIAL]),
    row("T1555.002", "Securityd Memory", &[CREDENTIAL]),
    row("T1555.003", "Credentials from Web Browsers", &[CREDENTIAL]),
    row("T1555.004", "Windows Credential Manager", &[CREDENTIAL]),
    row("T1555.005", "Password Managers", &[CREDENTIAL]),
    row("T1555.006", "Cloud Secrets Management Stores", &[CREDENTIAL]),
    row("T1556", "Modify Authentication Process", &[PERSIST, EVADE, CREDENTIAL]),
    row("T1556.001", "Domain Controller Authentication", &[PERSIST, EVADE, CREDENTIAL]),
    row("T1556.002", "Password Filter DLL", &[PERSIST, EVADE, CREDENTIAL]),
    row("T1556.003", "Pluggable Authentication Modules", &[PERSIST, EVADE, CREDENTIAL]),
    row("T1556.004", "Network Device Authentication", &[PERSIST, EVADE, CREDENTIAL]),
    row("T1556.005", "Reversible Encryption", &[PERSIST, EVADE, CREDENTIAL]),
    row("T1556.006", "Multi-Factor Authentication", &[PERSIST, EVADE, CREDENTIAL]),
    row("T1556.007", "Hybrid Identity", &[PERSIST, EVADE, CREDENTIAL]),
    row("T1556.008", "Network Provider DLL", &[PERSIST, EVADE, CREDENTIAL]),
    row("T1556.009", "Conditional Access Policies", &[PERSIST, EVADE, CREDENTIAL]),
    row("T1557", "Adversary-in-the-Middle", &[CREDENTIAL, COLLECT]),
    row("T1557.001", "LLMNR/NBT-NS Poisoning and SMB Relay", &[CREDENTIAL, COLLECT]),
    row("T1557.002", "ARP Cache Poisoning", &[CREDENTIAL, COLLECT]),
    row("T1557.003", "DHCP Spoofing", &[CREDENTIAL, COLLECT]),
    row("T1558", "Steal or Forge Kerberos Tickets", &[CREDENTIAL]),
    row("T1558.001", "Golden Ticket", &[CREDENTIAL]),
    row("T1558.002", "Silver Ticket", &[CREDENTIAL]),
    row("T1558.003", "Kerberoasting", &[CREDENTIAL]),
    row("T1558.004", "AS-REP Roasting", &[CREDENTIAL]),
    row("T1559", "Inter-Process Communication", &[EXECUTE]),
    row("T1559.001", "Component Object Model", &[EXECUTE]),
    row("T1559.002", "Dynamic Data Exchange", &[EXECUTE]),
    row("T1559.003", "XPC Services", &[EXECUTE]),
    row("T1560", "Archive Collected Data", &[COLLECT]),
    row("T1560.001", "Archive via Utility", &[COLLECT]),
    row("T1560.002", "Archive via Library", &[COLLECT]),
    row("T1560.003", "Archive via Custom Method", &[COLLECT]),
    row("T1561", "Disk Wipe", &[IMPACT]),
    row("T1561.001", "Disk Content Wipe", &[IMPACT]),
    row("T1561.002", "Disk Structure Wipe", &[IMPACT]),
    row("T1562", "Impair Defenses", &[EVADE]),
    row("T1562.001", "Disable or Modify Tools", &[EVADE]),
    row("T1562.002", "Disable Windows Event Logging", &[EVADE]),
    row("T1562.003", "Impair Command History Logging", &[EVADE]),
    row("T1562.004", "Disable or Modify System Firewall", &[EVADE]),
    row("T1562.006", "Indicator Blocking", &[EVADE]),
    row("T1562.007", "Disable or Modify Cloud Firewall", &[EVADE]),
    row("T1562.008", "Disable or Modify Cloud Logs", &[EVADE]),
    row("T1562.009", "Safe Mode Boot", &[EVADE]),
    row("T1562.010", "Downgrade Attack", &[EVADE]),
    row("T1562.011", "Spoof Security Alerting", &[EVADE]),
    row("T1562.012", "Disable or Modify Linux Audit System", &[EVADE]),
    row("T1563", "Remote Service Session Hijacking", &[LATERAL]),
    row("T1563.001", "SSH Hijacking", &[LATERAL]),
    row("T1563.002", "RDP Hijacking", &[LATERAL]),
    row("T1564", "Hide Artifacts", &[EVADE]),
    row("T1564.001", "Hidden Files and Directories", &[EVADE]),
    row("T1564.002", "Hidden Users", &[EVADE]),
    row("T1564.003", "Hidden Window", &[EVADE]),
    row("T1564.004", "NTFS File Attributes", &[EVADE]),
    row("T1564.005", "Hidden File System", &[EVADE]),
    row("T1564.006", "Run Virtual Instance", &[EVADE]),
    row("T1564.007", "VBA Stomping", &[EVADE]),
    row("T1564.008", "Email Hiding Rules", &[EVADE]),
    row("T1564.009", "Resource Forking", &[EVADE]),
    row("T1564.010", "Process Argument Spoofing", &[EVADE]),
    row("T1564.011", "Ignore Process Interrupts", &[EVADE]),
    row("T1564.012", "File/Path Exclusions", &[EVADE]),
    row("T1564.013", "Bind Mounts", &[EVADE]),
    row("T1564.014", "Extended Attributes", &[EVADE]),
    row("T1565", "Data Manipulation", &[IMPACT]),
    row("T1565.001", "Stored Data Manipulation", &[IMPACT]),
    row("T1565.002", "Transmitted Data Manipulation", &[IMPACT]),
    row("T1565.003", "Runtime Data Manipulation", &[IMPACT]),
    row("T1566", "Phishing", &[ACCESS]),
    row("T1566.001", "Spearphishing Attachment", &[ACCESS]),
    row("T1566.002", "Spearphishing Link", &[ACCESS]),
    row("T1566.003", "Spearphishing via Service", &[ACCESS]),
    row("T1566.004", "Spearphishing Voice", &[ACCESS]),
    row("T1567", "Exfiltration Over Web Service", &[EXFILTRATE]),
    row("T1567.001", "Exfiltration to Code Repository", &[EXFILTRATE]),
    row("T1567.002", "Exfiltration to Cloud Storage", &[EXFILTRATE]),
    row("T1567.003", "Exfiltration to Text Storage Sites", &[EXFILTRATE]),
    row("T1567.004", "Exfiltration Over Webhook", &[EXFILTRATE]),
    row("T1568", "Dynamic Resolution", &[CONTROL]),
    row("T1568.001", "Fast Flux DNS", &[CONTROL]),
    row("T1568.002", "Domain Generation Algorithms", &[CONTROL]),
    row("T1568.003", "DNS Calculation", &[CONTROL]),
    row("T1569", "System Services", &[EXECUTE]),
    row("T1569.001", "Launchctl", &[EXECUTE]),
    row("T1569.002", "Service Execution", &[EXECUTE]),
    row("T1569.003", "Systemctl", &[EXECUTE]),
    row("T1570", "Lateral Tool Transfer", &[LATERAL]),
    row("T1571", "Non-Standard Port", &[CONTROL]),
    row("T1572", "Protocol Tunneling", &[CONTROL]),
    row("T1573", "Encrypted Channel", &[CONTROL]),
    row("T1573.001", "Symmetric Cryptography", &[CONTROL]),
    row("T1573.002", "Asymmetric Cryptography", &[CONTROL]),
    row("T1574", "Hijack Execution Flow", &[PERSIST, ESCALATE, EVADE]),
    row("T1574.001", "DLL", &[PERSIST, ESCALATE, EVADE]),
    row("T1574.004", "Dylib Hijacking", &[PERSIST, ESCALATE, EVADE]),
    row("T1574.005", "Executable Installer File Permissions Weakness", &[PERSIST, ESCALATE, EVADE]),
    row("T1574.006", "Dynamic Linker Hijacking", &[PERSIST, ESCALATE, EVADE]),
    row("T1574.007", "Path Interception by PATH Environment Variable", &[PERSIST, ESCALATE, EVADE]),
    row("T1574.008", "Path Interception by Search Order Hijacking", &[PERSIST, ESCALATE, EVADE]),
    row("T1574.009", "Path Interception by Unquoted Path", &[PERSIST, ESCALATE, EVADE]),
    row("T1574.010", "Services File Permissions Weakness", &[PERSIST, ESCALATE, EVADE]),
    row("T1574.011", "Services Registry Permissions Weakness", &[PERSIST, ESCALATE, EVADE]),
    row("T1574.012", "COR_PROFILER", &[PERSIST, ESCALATE, EVADE]),
    row("T1574.013", "KernelCallbackTable", &[PERSIST, ESCALATE, EVADE]),
    row("T1574.014", "AppDomainManager", &[PERSIST, ESCALATE, EVADE]),
    row("T1578", "Modify Cloud Compute Infrastructure", &[EVADE]),
    row("T1578.001", "Create Snapshot", &[EVADE]),
    row("T1578.002", "Create Cloud Instance", &[EVADE]),
    row("T1578.003", "Delete Cloud Instance", &[EVADE]),
    row("T1578.004", "Revert Cloud Instance", &[EVADE]),
    row("T1578.005", "Modify Cloud Compute Configurations", &[EVADE]),
    row("T1580", "Cloud Infrastructure Discovery", &[DISCOVER]),
    row("T1583", "Acquire Infrastructure", &[RESOURCE]),
    row("T1583.001", "Domains", &[RESOURCE]),
    row("T1583.002", "DNS Server", &[RESOURCE]),
    row("T1583.003", "Virtual Private Server", &[RESOURCE]),
    row("T1583.004", "Server", &[RESOURCE]),
    row("T1583.005", "Botnet", &[RESOURCE]),
    row("T1583.006", "Web Services", &[RESOURCE]),
    row("T1583.007", "Serverless", &[RESOURCE]),
    row("T1583.008", "Malvertising", &[RESOURCE]),
    row("T1584", "Compromise Infrastructure", &[RESOURCE]),
    row("T1584.001", "Domains", &[RESOURCE]),
    row("T1584.002", "DNS Server", &[RESOURCE]),
    row("T1584.003", "Virtual Private Server", &[RESOURCE]),
    row("T1584.004", "Server", &[RESOURCE]),
    row("T1584.005", "Botnet", &[RESOURCE]),
    row("T1584.006", "Web Services", &[RESOURCE]),
    row("T1584.007", "Serverless", &[RESOURCE]),
    row("T1584.008", "Network Devices", &[RESOURCE]),
    row("T1585", "Establish Accounts", &[RESOURCE]),
    row("T1585.001", "Social Media Accounts", &[RESOURCE]),
    row("T1585.002", "Email Accounts", &[RESOURCE]),
    row("T1585.003", "Cloud Accounts", &[RESOURCE]),
    row("T1586", "Compromise Accounts", &[RESOURCE]),
    row("T1586.001", "Social Media Accounts", &[RESOURCE]),
    row("T1586.002", "Email Accounts", &[RESOURCE]),
    row("T1586.003", "Cloud Accounts", &[RESOURCE]),
    row("T1587", "Develop Capabilities", &[RESOURCE]),
    row("T1587.001", "Malware", &[RESOURCE]),
    row("T1587.002", "Code Signing Certificates", &[RESOURCE]),
    row("T1587.003", "Digital Certificates", &[RESOURCE]),
    row("T1587.004", "Exploits", &[RESOURCE]),
    row("T1588", "Obtain Capabilities", &[RESOURCE]),
    row("T1588.001", "Malware", &[RESOURCE]),
    row("T1588.002", "Tool", &[RESOURCE]),
    row("T1588.003", "Code Signing Certificates", &[RESOURCE]),
    row("T1588.004", "Digital Certificates", &[RESOURCE]),
    row("T1588.005", "Exploits", &[RESOURCE]),
    row("T1588.006", "Vulnerabilities", &[RESOURCE]),
    row("T1588.007", "Artificial Intelligence", &[RESOURCE]),
    row("T1589", "Gather Victim Identity Information", &[RECON]),
    row("T1589.001", "Credentials", &[RECON]),
    row("T1589.002", "Email Addresses", &[RECON]),
    row("T1589.003", "Employee Names", &[RECON]),
    row("T1590", "Gather Victim Network Information", &[RECON]),
    row("T1590.001", "Domain Properties", &[RECON]),
    row("T1590.002", "DNS", &[RECON]),
    row("T1590.003", "Network Trust Dependencies", &[RECON]),
    row("T1590.004", "Network Topology", &[RECON]),
    row("T1590.005", "IP Addresses", &[RECON]),
    row("T1590.006", "Network Security Appliances", &[RECON]),
    row("T1591", "Gather Victim Org Information", &[RECON]),
    row("T1591.001", "Determine Physical Locations", &[RECON]),
    row("T1591.002", "Business Relationships", &[RECON]),
    row("T1591.003", "Identify Business Tempo", &[RECON]),
    row("T1591.004", "Identify Roles", &[RECON]),
    row("T1592", "Gather Victim Host Information", &[RECON]),
    row("T1592.001", "Hardware", &[RECON]),
    row("T1592.002", "Software", &[RECON]),
    row("T1592.003", "Firmware", &[RECON]),
    row("T1592.004", "Client Configurations", &[RECON]),
    row("T1593", "Search Open Websites/Domains", &[RECON]),
    row("T1593.001", "Social Media", &[RECON]),
    row("T1593.002", "Search Engines", &[RECON]),
    row("T1593.003", "Code Repositories", &[RECON]),
    row("T1594", "Search Victim-Owned Websites", &[RECON]),
    row("T1595", "Active Scanning", &[RECON]),
    row("T1595.001", "Scanning IP Blocks", &[RECON]),
    row("T1595.002", "Vulnerability Scanning", &[RECON]),
    row("T1595.003", "Wordlist Scanning", &[RECON]),
    row("T1596", "Search Open Technical Databases", &[RECON]),
    row("T1596.001", "DNS/Passive DNS", &[RECON]),
    row("T1596.002", "WHOIS", &[RECON]),
    row("T1596.003", "Digital Certificates", &[RECON]),
    row("T1596.004", "CDNs", &[RECON]),
    row("T1596.005", "Scan Databases", &[RECON]),
    row("T1597", "Search Closed Sources", &[RECON]),
    row("T1597.001", "Threat Intel Vendors", &[RECON]),
    row("T1597.002", "Purchase Technical Data", &[RECON]),
    row("T1598", "Phishing for Information", &[RECON]),
    row("T1598.001", "Spearphishing Service", &[RECON]),
    row("T1598.002", "Spearphishing Attachment", &[RECON]),
    row("T1598.003", "Spearphishing Link", &[RECON]),
    row("T1598.004", "Spearphishing Voice", &[RECON]),
    row("T1599", "Network Boundary Bridging", &[EVADE]),
    row("T1599.001", "Network Address Translation Traversal", &[EVADE]),
    row("T1600", "Weaken Encryption", &[EVADE]),
    row("T1600.001", "Reduce Key Space", &[EVADE]),
    row("T1600.002", "Disable Crypto Hardware", &[EVADE]),
    row("T1601", "Modify System Image", &[EVADE]),
    row("T1601.001", "Patch System Image", &[EVADE]),
    row("T1601.002", "Downgrade System Image", &[EVADE]),
    row("T1602", "Data from Configuration Repository", &[COLLECT]),
    row("T1602.001", "SNMP (MIB Dump)", &[COLLECT]),
    row("T1602.002", "Network Device Configuration Dump", &[COLLECT]),
    row("T1606", "Forge Web Credentials", &[CREDENTIAL]),
    row("T1606.001", "Web Cookies", &[CREDENTIAL]),
    row("T1606.002", "SAML Tokens", &[CREDENTIAL]),
    row("T1608", "Stage Capabilities", &[RESOURCE]),
    row("T1608.001", "Upload Malware", &[RESOURCE]),
    row("T1608.002", "Upload Tool", &[RESOURCE]),
    row("T1608.003", "Install Digital Certificate", &[RESOURCE]),
    row("T1608.004", "Drive-by Target", &[RESOURCE]),
    row("T1608.005", "Link Target", &[RESOURCE]),
    row("T1608.006", "SEO Poisoning", &[RESOURCE]),
    row("T1609", "Container Administration Command", &[EXECUTE]),
    row("T1610", "Deploy Container", &[EXECUTE, EVADE]),
    row("T1611", "Escape to Host", &[ESCALATE]),
    row("T1612", "Build Image on Host", &[EVADE]),
    row("T1613", "Container and Resource Discovery", &[DISCOVER]),
    row("T1614", "System Location Discovery", &[DISCOVER]),
    row("T1614.001", "System Language Discovery", &[DISCOVER]),
    row("T1615", "Group Policy Discovery", &[DISCOVER]),
    row("T1619", "Cloud Storage Object Discovery", &[DISCOVER]),
    row("T1620", "Reflective Code Loading", &[EVADE]),
    row("T1621", "Multi-Factor Authentication Request Generation", &[CREDENTIAL]),
    row("T1622", "Debugger Evasion", &[EVADE, DISCOVER]),
    row("T1647", "Plist File Modification", &[EVADE]),
    row("T1648", "Serverless Execution", &[EXECUTE]),
    row("T1649", "Steal or Forge Authentication Certificates", &[CREDENTIAL]),
    row("T1650", "Acquire Access", &[RESOURCE]),
    row("T1651", "Cloud Administration Command", &[EXECUTE]),
    row("T1652", "Device Driver Discovery", &[DISCOVER]),
    row("T1653", "Power Settings", &[PERSIST]),
    row("T1654", "Log Enumeration", &[DISCOVER]),
    row("T1656", "Impersonation", &[EVADE]),
    row("T1657", "Financial Theft", &[IMPACT]),
    row("T1659", "Content Injection", &[ACCESS, CONTROL]),
    row("T1665", "Hide Infrastructure", &[CONTROL]),
    row("T1666", "Modify Cloud Resource Hierarchy", &[EVADE]),
    row("T1667", "Email Bombing", &[IMPACT]),
    row("T1668", "Exclusive Control", &[PERSIST]),
    row("T1669", "Wi-Fi Networks", &[ACCESS]),
    row("T1671", "Cloud Application Integration", &[PERSIST]),
    row("T1672", "Email Spoofing", &[EVADE]),
    row("T1673", "Virtual Machine Discovery", &[DISCOVER]),
    row("T1674", "Input Injection", &[EXECUTE]),
    row("T1675", "ESXi Administration Command", &[EXECUTE]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_none_comes_twice() {
        assert_eq!(TECHNIQUES.len(), 665);
        for pair in TECHNIQUES.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} before {}", pair[0].id, pair[1].id);
        }
    }

    #[test]
    fn every_row_has_a_well_formed_id_a_name_and_tactics_in_order() {
        for row in TECHNIQUES {
            let shape: String =
                row.id.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
            assert!(shape == "T9999" || shape == "T9999.999", "{}", row.id);
            assert!(!row.name.trim().is_empty(), "{}", row.id);
            assert!(!row.tactics.is_empty(), "{}", row.id);
            assert!(row.tactics.is_sorted_by(|a, b| a.order() < b.order()), "{}", row.id);
        }
    }

    #[test]
    fn every_sub_technique_has_its_parent() {
        for row in TECHNIQUES {
            if let Some((parent, _)) = row.id.split_once('.') {
                assert!(exists(parent), "{}", row.id);
            }
        }
    }

    #[test]
    fn every_row_is_found_by_its_own_id() {
        for row in TECHNIQUES {
            assert_eq!(technique(row.id), Some(row));
        }
    }

    #[test]
    fn the_techniques_of_the_lab_are_there() {
        let exploit = technique("T1190").expect("T1190");
        assert_eq!(exploit.name, "Exploit Public-Facing Application");
        assert_eq!(exploit.tactics, [Tactic::InitialAccess]);
        assert_eq!(technique("T1595.002").map(|row| row.name), Some("Vulnerability Scanning"));
        assert_eq!(technique("T1110.001").map(|row| row.name), Some("Password Guessing"));
    }

    #[test]
    fn case_and_blanks_around_an_id_do_not_matter() {
        assert_eq!(technique(" t1110.001\n").map(|row| row.id), Some("T1110.001"));
    }

    #[test]
    fn a_retired_id_gives_the_technique_that_took_its_place() {
        for (old, new) in [
            ("T1574.002", "T1574.001"),
            ("t1086", "T1059.001"),
            (" T1100 ", "T1505.003"),
            ("T1168", "T1053.003"),
        ] {
            assert_eq!(technique(old).map(|row| row.id), Some(new), "{old}");
        }
    }

    #[test]
    fn every_retired_id_is_gone_and_its_successor_is_there() {
        for pair in retired::SUCCESSORS.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} before {}", pair[0].0, pair[1].0);
        }
        for (old, new) in retired::SUCCESSORS {
            assert!(current(old).is_none(), "{old} is no retired id");
            assert!(current(new).is_some(), "{old} leads to {new}, which does not exist");
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_refused() {
        let long = "T1190".repeat(1000);
        for id in [
            "",
            "T",
            "T0000",
            "T9999",
            "T1190.999",
            "T11900",
            "1190",
            "TA0001",
            "T1190 T1110",
            "T1153",
            "Ť1190",
            &long,
        ] {
            assert!(!exists(id), "{id}");
        }
    }

    #[test]
    fn the_order_of_tactics_is_the_order_of_their_declaration() {
        assert!(
            Tactic::Reconnaissance < Tactic::InitialAccess && Tactic::Exfiltration < Tactic::Impact
        );
        for row in TECHNIQUES {
            for tactic in row.tactics {
                assert_eq!(usize::from(tactic.order()), *tactic as usize, "{tactic}");
            }
        }
    }
}
