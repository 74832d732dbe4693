//! Patterns for secrets on command lines: what sudo, auditd, Sysmon and shell histories write into a log.
//!
//! An option's letter means a password to one program and a port to the next (`mysql -pSecret`, `ssh -p 22`), so short options count only
//! behind the name of a program for which they are secret. Long options say what they are. The group `keep` stays
//! in front of the mask and `after` behind it; a mask that stands there already is no value, so that masking twice changes nothing.

/// Where a pattern's secret stands: in quotes, or up to a blank or what ends a command.
const VALUE: &str = r#"(?:"[^"\n]+"|'[^'\n]+'|["'`]?[^\s"'`|;&\[\-][^\s"'|;&]*)"#;

/// Gives every pattern.
pub(super) fn patterns() -> impl Iterator<Item = String> {
    PATTERNS.iter().map(|pattern| pattern.replace("VALUE", VALUE))
}

#[rustfmt::skip]
const PATTERNS: &[&str] = &[
    // `--password x` and `--db-token x`, also as auditd writes them: `a1="--password" a2="x"`. What begins with `-` is the next option.
    r#"(?i)(?P<keep>(?:^|[\s"'`(\[;|&+=]|%20)--?(?:[a-z0-9]{1,16}[_-]){0,3}(?:password|passwd|passphrase|pass|pwd|secret|token|api[_-]?key|secret[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?key)(?:[ \t]{1,4}|%20|\+|"\s{1,2}a[0-9]{1,3}=))VALUE"#,
    // `PGPASSWORD=x`, `MYSQL_PWD=x`: variables whose name runs on without a break in front of the telling word.
    r#"(?P<keep>\b[A-Z0-9_]{1,32}(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|_PASS|_PWD|_KEY)=)VALUE"#,
    // `mysql -pSecret`: the client takes no blank there.
    r#"(?i)(?P<keep>\b(?:mysql(?:dump|admin|import|check|show)?|mariadb(?:-dump|-admin)?)\b[^\n|;&]*?[\s"']-p)VALUE"#,
    // Programs whose option is a password, with a blank or without.
    r#"(?i)(?P<keep>\b(?:sshpass\s{1,4}-p|redis-cli\b[^\n|;&]*?\s-a|(?:smbmap|crackmapexec|netexec|nxc|evil-winrm)\b[^\n|;&]*?\s-p|ldap(?:search|modify|add|delete|passwd|whoami)\b[^\n|;&]*?\s-w)\s{0,4})VALUE"#,
    // `curl -u user:pass`: the user stays, so that a verdict can name it. `-u root` has no colon and no secret.
    r#"(?i)(?P<keep>\b(?:curl|wget|https?|smbclient|rpcclient|svn|lftp)\b[^\n|;]*?\s(?:-u|--user|--proxy-user)[\s=]{0,4}["']?[^\s:%"'/@]{1,64}[:%])[^\s"'|;&\[@][^\s"'|;&]*"#,
    // `net user bob Secret /add`; `*` makes Windows ask for the password instead.
    r#"(?i)(?P<keep>\bnet1?(?:\.exe)?["']?\s{1,4}user\s{1,4}(?:"[^"\n]{1,64}"|[^\s/"]{1,64})\s{1,4})(?:"[^"\n]+"|[^\s/"*\[][^\s"]*)"#,
    // `net use \\host\share Secret /user:bob`.
    r#"(?i)(?P<keep>\bnet1?(?:\.exe)?["']?\s{1,4}use\s{1,4}(?:[a-z]:\s{1,4})?\\\\[^\s]{1,256}\s{1,4})(?:"[^"\n]+"|[^\s/"*\[][^\s"]*)"#,
    // `echo bob:Secret | chpasswd`.
    r#"(?i)(?P<keep>\becho\s{1,4}(?:-n\s{1,4})?["']?[a-z_][a-z0-9_.-]{0,31}:)[^\s"'|\[][^\s"'|]*(?P<after>["']?\s{0,4}\|\s{0,4}(?:sudo\s{1,4})?(?:/usr/sbin/)?chpasswd)"#,
];

#[cfg(test)]
mod tests {
    use super::super::mask;

    const ON_COMMAND_LINES: &[(&str, &str)] = &[
        ("tool --password x1y2 run", "tool --password [secret:password] run"),
        ("tool --password=x1y2 run", "tool --password=[secret:password] run"),
        ("tool --db-password 'x1y2' run", "tool --db-password [secret:password] run"),
        ("mysql -u root -pSecret shop", "mysql -u root -p[secret:password] shop"),
        (
            "mysqldump -h db -u root -p'S3 cret' shop",
            "mysqldump -h db -u root -p[secret:password] shop",
        ),
        ("curl -u user:pass http://x/", "curl -u user:[secret:password] http://x/"),
        ("curl -s --user admin:p4ss http://x/", "curl -s --user admin:[secret:password] http://x/"),
        ("net user bob Pw123! /add", "net user bob [secret:password] /add"),
        (
            "C:\\Windows\\System32\\net.exe user bob Pw123!",
            "C:\\Windows\\System32\\net.exe user bob [secret:password]",
        ),
        (
            "net use z: \\\\fs01\\share Pw1 /user:bob",
            "net use z: \\\\fs01\\share [secret:password] /user:bob",
        ),
        ("sshpass -p hunter2 ssh bob@10.0.0.5", "sshpass -p [secret:password] ssh bob@10.0.0.5"),
        ("sshpass -phunter2 ssh host", "sshpass -p[secret:password] ssh host"),
        ("PGPASSWORD=hunter2 psql -h db", "PGPASSWORD=[secret:password] psql -h db"),
        ("env MYSQL_PWD=hunter2 mysql", "env MYSQL_PWD=[secret:password] mysql"),
        (
            "AWS_SECRET_ACCESS_KEY=abc/def aws s3 ls",
            "AWS_SECRET_ACCESS_KEY=[secret:password] aws s3 ls",
        ),
        ("deploy --token abc123 --dry-run", "deploy --token [secret:password] --dry-run"),
        ("deploy --secret abc123", "deploy --secret [secret:password]"),
        ("vault --api-key abc123", "vault --api-key [secret:password]"),
        ("redis-cli -h r1 -a hunter2 ping", "redis-cli -h r1 -a [secret:password] ping"),
        ("echo 'bob:hunter2' | chpasswd", "echo 'bob:[secret:password]' | chpasswd"),
        (
            "a1=\"--password\" a2=\"x1y2\" a3=\"go\"",
            "a1=\"--password\" a2=[secret:password] a3=\"go\"",
        ),
        (
            "a0=\"mysql\" a1=\"-pSecret\" a2=\"shop\"",
            "a0=\"mysql\" a1=\"-p[secret:password]\" a2=\"shop\"",
        ),
        ("cmd=tool%20--password%20x1y2%20run", "cmd=tool%20--password%20[secret:password]"),
    ];

    #[test]
    fn secrets_on_command_lines_are_masked() {
        for (text, masked) in ON_COMMAND_LINES {
            assert_eq!(mask(text), *masked);
            assert_eq!(mask(masked), *masked, "masking twice");
        }
    }

    #[test]
    fn what_only_looks_like_a_secret_option_stays() {
        for text in [
            "ssh -p 2222 root@10.0.0.5",
            "nmap -p 8080 -sV 10.0.0.5",
            "nmap -p22,80 10.0.0.5",
            "docker run -p 8080:80 nginx",
            "mkdir -p /var/www/html",
            "ps -p 4242 -o cmd",
            "cp -pr /etc /tmp/etc",
            "mysql -u root -p shop",
            "mysql -u root --port 3306 shop",
            "mysql -u root -P 3307 shop",
            "sudo -u root id",
            "sudo -u root /usr/bin/sh -c id",
            "useradd -u 1001 bob",
            "curl -u root http://x/",
            "curl -o out http://10.0.0.5:8080/x",
            "curl -X POST -d @body http://x:80/",
            "net user bob /delete",
            "net user bob * /add",
            "net user",
            "net user /domain",
            "net use \\\\fs01\\share /user:bob",
            "tool --password --verbose",
            "tool --password",
            "tool --token-file /run/token",
            "tool --no-password-check yes",
            "tool --passive yes",
            "tool --secretary bob",
            "sshpass -f /etc/pw ssh host",
            "sshpass -e ssh host",
            "passwd bob",
            "chpasswd",
            "Failed password for root from 203.0.113.9 port 2222 ssh2",
            "Accepted password for bob from 203.0.113.9 port 2222 ssh2",
            "sshd: password changed for bob",
            "HOME=/root PATH=/usr/bin COMMAND=/usr/bin/passwd bob",
            "TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/ls",
            "echo a:b | tee x",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
