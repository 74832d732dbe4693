//! Paths that are worth probing.
//!
//! Asking for `/.git/config` is no attack: it only says what a visitor hopes to find. One such
//! request is noise, many of them are forced browsing, which is for others to count.

/// Paths that visitors probe, and what they hope to find. They are matched as beginnings of a path
/// segment.
const SENSITIVE_PATHS: &[(&str, &str)] = &[
    ("/.git", "a version control repository"),
    ("/.svn", "a version control repository"),
    ("/.hg", "a version control repository"),
    ("/.bzr", "a version control repository"),
    ("/.env", "a file of secrets"),
    ("/.aws", "credentials of a cloud"),
    ("/.azure", "credentials of a cloud"),
    ("/.config/gcloud", "credentials of a cloud"),
    ("/.kube", "credentials of a cluster"),
    ("/.docker", "credentials of a registry"),
    ("/.ssh", "keys of a user"),
    ("/id_rsa", "keys of a user"),
    ("/.htpasswd", "password hashes"),
    ("/.htaccess", "a configuration of the web server"),
    ("/.bash_history", "a history of commands"),
    ("/.npmrc", "credentials of a registry"),
    ("/.vscode/sftp", "credentials of an editor"),
    ("/.ds_store", "a list of files"),
    ("/web.config", "a configuration of the web server"),
    ("/server-status", "the state of the web server"),
    ("/server-info", "the state of the web server"),
    ("/nginx_status", "the state of the web server"),
    ("/actuator", "the inside of a Java application"),
    ("/jolokia", "the inside of a Java application"),
    ("/manager/html", "the administration of an application server"),
    ("/host-manager", "the administration of an application server"),
    ("/jmx-console", "the administration of an application server"),
    ("/web-console", "the administration of an application server"),
    ("/solr/admin", "the administration of a search server"),
    ("/wp-admin", "the administration of WordPress"),
    ("/wp-login.php", "the sign-in of WordPress"),
    ("/wp-config", "a file of secrets"),
    ("/xmlrpc.php", "the remote interface of WordPress"),
    ("/administrator/", "the administration of Joomla"),
    ("/phpmyadmin", "the administration of a database"),
    ("/pma/", "the administration of a database"),
    ("/myadmin", "the administration of a database"),
    ("/mysqladmin", "the administration of a database"),
    ("/adminer", "the administration of a database"),
    ("/phppgadmin", "the administration of a database"),
    ("/phpinfo", "the settings of PHP"),
    ("/info.php", "the settings of PHP"),
    ("/php.ini", "the settings of PHP"),
    ("/vendor/phpunit", "a test tool that runs code"),
    ("/cgi-bin/", "scripts of the web server"),
    ("/boaform", "the administration of a router"),
    ("/gponform", "the administration of a router"),
    ("/hnap1", "the administration of a router"),
    ("/setup.cgi", "the administration of a router"),
    ("/owa/", "the mail of Exchange"),
    ("/autodiscover", "the settings of Exchange"),
    ("/remote/login", "a remote access gateway"),
    ("/dana-na", "a remote access gateway"),
    ("/telescope", "the debugger of an application"),
    ("/_profiler", "the debugger of an application"),
    ("/_ignition", "the debugger of an application"),
    ("/debug/pprof", "the debugger of an application"),
    ("/console/", "a console of an application"),
    ("/swagger", "the description of an interface"),
    ("/swagger-ui", "the description of an interface"),
    ("/api-docs", "the description of an interface"),
    ("/config.json", "a configuration of an application"),
    ("/config.php", "a configuration of an application"),
    ("/config.yml", "a configuration of an application"),
    ("/database.yml", "a configuration of a database"),
    ("/docker-compose", "the layout of an application"),
    ("/backup", "a backup"),
    ("/dump.sql", "a dump of a database"),
    ("/db.sql", "a dump of a database"),
];

/// Endings of files that are left behind by people and editors.
const LEFT_BEHIND: &[&str] = &[
    ".bak", ".old", ".orig", ".swp", ".sql", ".sql.gz", ".sqlite", ".sqlite3", ".bkp", ".save",
    ".pem", ".key", ".pfx", ".p12", ".kdbx", "~",
];

/// Endings of archives. Most archives on a web server are there to be fetched, so the name must say more.
const ARCHIVES: &[&str] =
    &[".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar", ".zip", ".rar", ".7z", ".gz"];

/// Names of archives that somebody made of a whole site or of what is behind it.
const COPIES: &[&str] = &["backup", "backups", "bak", "bkp", "dump", "mysqldump"];

/// The same, but where a project publishes what it makes they are names of programs.
const COPIES_OF_SITES: &[&str] = &[
    "site",
    "www",
    "wwwroot",
    "htdocs",
    "public_html",
    "web",
    "website",
    "webroot",
    "db",
    "database",
    "full",
    "old",
];

/// Folders in which projects publish archives.
const PUBLISHING: &[&str] = &[
    "release",
    "releases",
    "download",
    "downloads",
    "dist",
    "pub",
    "mirror",
    "mirrors",
    "package",
    "packages",
];

/// Returns what a visitor hopes to find behind a path that is often probed: a hint of forced
/// browsing, not an attack.
///
/// ```
/// # use triage::classify::sensitive_path;
/// assert_eq!(sensitive_path("/.git/config"), Some("a version control repository"));
/// assert_eq!(sensitive_path("/blog/2022-05/"), None);
/// ```
pub fn sensitive_path(target: &str) -> Option<&'static str> {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path =
        alert::decode::decode_with(path, alert::decode::Plus::Nowhere).text.to_ascii_lowercase();
    let named = SENSITIVE_PATHS.iter().find(|(probed, _)| {
        path.match_indices(probed).any(|(at, _)| {
            let rest = path.get(at + probed.len()..).unwrap_or_default();
            probed.ends_with('/') || ends_name(probed, rest)
        })
    });
    if let Some((_, hoped)) = named {
        return Some(hoped);
    }
    let is_left = LEFT_BEHIND.iter().any(|ending| path.ends_with(ending)) || is_copy(&path);
    is_left.then_some("a file that was left behind")
}

/// Tells whether a path leads to an archive whose name says that it is a copy of a site or of its data: `/old/site-2024.tar.gz`, but not
/// `/releases/web-1.2.tar.gz`.
fn is_copy(path: &str) -> bool {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let Some(name) = ARCHIVES.iter().find_map(|ending| file.strip_suffix(ending)) else {
        return false;
    };
    let has = |names: &[&str], word: &str| names.contains(&word);
    let mut words = name.split(|c: char| !c.is_ascii_alphabetic() && c != '_');
    let is_named_copy =
        name.split(|c: char| !c.is_ascii_alphabetic()).any(|word| has(COPIES, word));
    let is_published = || folders.split('/').any(|folder| has(PUBLISHING, folder));
    // A site's name stands first, and nothing but numbers behind it: `web-framework.tar.gz` is a program.
    let is_site = words.next().is_some_and(|word| has(COPIES_OF_SITES, word.trim_end_matches('_')))
        && words.all(str::is_empty);
    is_named_copy || (is_site && !is_published())
}

/// Tells whether a name ends before the rest of its path. Behind a word of its own a hyphen goes on with prose (`/backup-cameras`), where it
/// isn't a version (`/adminer-4.8.1.php`); behind the name of a file it begins a variant of it (`/.env-prod`, `/id_rsa-old`).
fn ends_name(probed: &str, rest: &str) -> bool {
    let begins_word = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_word = probed.bytes().all(|byte| byte == b'/' || byte.is_ascii_alphabetic());
    let goes_on = is_word && rest.strip_prefix('-').is_some_and(begins_word);
    !goes_on && !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
}
