//! Signs of code injection: source text, objects or class names of the language that the server is
//! written in.
//!
//! Covers PHP, Java, JavaScript on servers, Python, Perl, Ruby, ASP and server-side includes. Names
//! count only where the language would take them: with their bracket, or as a whole value.

use super::WebClass::CodeInjection;
use super::rule::{Place, Sign, sign as any_sign};
use super::view::View;

const fn sign(
    strength: u8,
    reason: &'static str,
    anchors: &'static [&'static str],
    pattern: &'static str,
) -> Sign {
    any_sign(CodeInjection, View::Plain, strength, reason, anchors, pattern)
}

pub(super) const SIGNS: &[Sign] = &[
    sign(90, "is a server-side include", &["<!--#"], r"<!--#\s*(?:exec|include|echo|config|printenv|set|if|fsize|flastmod)\b"),
    // PHP.
    sign(85, "is PHP source", &["<?"], r"<\?(?:php\b|=|\s*(?:echo|system|print|eval|exec|passthru|require|include|phpinfo|\$)|xml\s*[:(]|xml\s+\(\)|xml\s*:?\w*\()"),
    sign(50, "is PHP source", &["<?", "?>", "[php]", "[/php]"], r"<\?\s*$|;\s*\?>\s*$|\[/?php\]"),
    sign(
        70,
        "calls a function of PHP",
        &["eval", "assert", "base64_decode", "preg_replace", "create_function", "call_user_func", "file_get_contents", "file_put_contents", "phpinfo", "gzinflate", "str_rot13", "unserialize", "var_dump", "move_uploaded", "include", "require", "fopen", "readfile", "array_map", "print_r", "highlight_file", "show_source", "ini_set", "putenv", "getenv", "set_time_limit", "md5(", "die("],
        r#"(?:^|[^\w.>-])(?:eval|assert|base64_decode|preg_replace|create_function|call_user_func(?:_array)?|file_get_contents|file_put_contents|phpinfo|gzinflate|str_rot13|unserialize|var_dump|move_uploaded_file|fopen|readfile|array_map|print_r|highlight_file|show_source|ini_set|putenv|getenv|set_time_limit|die)\s*\(\s*(?:['"$`@)(]|chr|base64|gz|str_|\w+\(|this|pwd|\d)|\b(?:include|require)(?:_once)?\s*\(?\s*(?:\$|['"](?:/|https?:|php:|data:))"#,
    )
    .only(Place::Input),
    sign(55, "runs code from a string", &["eval", "assert"], r#"(?:^|[;&|'"])\s*(?:eval|assert)\s*\("#),
    sign(80, "uses the request in PHP", &["$_", "$globals", "$http_"], r"\$_(?:get|post|request|server|cookie|files|session|env)\b|\$globals\b|\$http_(?:get|post)_vars"),
    sign(80, "is a serialised PHP object", &["o:", "a:"], r#"\bo:\+?\d+:"[\w\\]+":\d+:\{|\ba:\d+:\{(?:i|s):\d+"#),
    sign(55, "calls a function by a variable", &["$"], r"^[@$]?\{?[@$][$@\w\[\]+!{}]{1,30}\}?\s*(?:\[[^\]]*\]\s*)?\(\s*[\d'\x22$]*\)?").only(Place::Value),
    sign(60, "calls a function by its name as a string", &["[0]", "[ 0 ]", ")('", ")(\"", ") ('", ") (\""], r#"^\(?\[?\s*['"]?\w+['"]?\s*\]?\)?\s*\[\s*0\s*\]\s*\(|^\((?:\w+\.?\(?\w+\)?\.?)+\w*\)\s*\(\s*['"]"#).only(Place::Value),
    sign(50, "is the call of a PHP function", &["("], r"^(?:chr|substr|exec|system|passthru|phpinfo|eval|assert|strrev|str_replace|base64_decode|shell_exec|popen|proc_open|implode|getcwd|scandir|symlink|chmod|ob_start|opendir|sprintf|fwrite|curl_exec|curl_init|file_get_contents|unlink|printf)\s*(?://[^\n]*|#[^\n]*|/\*.*\*/|\s)*\(").only(Place::Input),
    sign(50, "sets a directive of PHP", &["allow_url", "auto_prepend", "auto_append", "opcache.", "mbstring.", "disable_functions", "open_basedir", "memory_limit", "safe_mode", "suhosin."], r"\b(?:allow_url_(?:include|fopen)|auto_(?:prepend|append)_file|opcache\.\w+|mbstring\.\w+|disable_functions|open_basedir|memory_limit|safe_mode|suhosin\.\w+)\s*=\s*\w*"),
    // Java.
    sign(75, "names a class of Java", &["java.", "javax."], r"^[\s(@$#%{]*(?:new\s+)?javax?\.(?:lang|io|net|util|beans|rmi|script|naming|nio|processbuilder|security)\b\S*$").only(Place::Value),
    sign(80, "calls the runtime of Java", &["getruntime", "processbuilder", "java.lang.", "forname"], r#"getruntime\s*\(\)|\.exec\s*\(\s*['"]|java\.lang\.(?:runtime|processbuilder|process|system|class)\b.*[(@]|processbuilder\s*[(.]\s*\w|class\.forname\s*\("#),
    sign(75, "names a class that is used to break Java", &["invokertransformer", "instantiatefactory", "prototypeclonefactory", "whileclosure", "instantiatetransformer", "chainedtransformer", "annotationinvocationhandler", "templatesimpl", "xwork2", "memberaccess", "prototypeserializationfactory", "commons.collections", "jdbcrowsetimpl", "classloader", "ysoserial"], r"invokertransformer|instantiate(?:factory|transformer)|prototype(?:clone|serialization)factory|whileclosure|chainedtransformer|annotationinvocationhandler|templatesimpl|opensymphony\.xwork2?|_?memberaccess|commons\.collections|jdbcrowsetimpl|class\W{1,6}module\W{1,6}classloader|class\W{1,6}classloader\.|ysoserial"),
    sign(80, "is an expression of OGNL", &["%{", "${#", "#_", "@java", "#context", "#req"], r"[%$]\{\s*\(?#|#_(?:memberaccess|response)|@java\.lang\.\w+@|#(?:context|req|cmd)\s*[=\[.]"),
    sign(70, "is a serialised Java object", &["ro0ab", "aced0005"], r"\bro0ab[\w+/]{4,}|\baced0005"),
    // JavaScript on a server.
    sign(80, "loads a module of Node", &["require", "child_process", "process."], r#"require\s*\(\s*['"`](?:node:)?(?:fs|vm|os|net|http)['"`]\s*\)\s*\.\w|['"`]child_process['"`]|child_process\.\w+\(\s*['"`]|process\.(?:mainmodule|binding)\b|process\.(?:exit|kill)\(|require\.main\."#),
    sign(80, "reaches the prototype of all objects", &["__proto__", "constructor"], r#"__proto__|constructor\s*(?:\.|\[|%5b)\s*['"]?prototype|\bconstructor\s*\.\s*constructor|\bconstructor\s*\[\s*['"]?\w"#),
    sign(55, "calls a function of JavaScript", &["console", "while", "function"], r#"^console\s*(?:\[\s*['"`]\w+['"`]\s*\]\s*\(|\.\s*(?:log|info|error|warn|debug)\s*\(\s*\w*\s*\)\W*$)|\bwhile\s*\(\s*\(*\s*(?:true|1|!!|infinity)|new\s+function\s*\(|\(\s*function\s*\(\)\s*\{.*\}\s*\)\s*\("#).only(Place::Value),
    // Python, Perl, Ruby, ASP.
    sign(80, "uses the insides of Python", &["__import__", "__globals__", "__class__", "__mro__", "__subclasses__", "__builtins__", "__init__", "__base__"], r"__(?:import|globals|class|mro|subclasses|builtins|base|bases)__\s*[\[(.|]?"),
    sign(70, "runs commands from Python", &["os.", "subprocess", "pickle"], r#"\bos\.(?:system|popen|exec\w*|spawn\w*)\s*\(|\bsubprocess\.(?:popen|call|run|check_output)\s*\(|\bc(?:posix|os|__builtin__)\n(?:system|eval)|\bpickle\.loads\s*\("#),
    sign(70, "runs code inside a Perl string", &["@{[", "@{ [", "@{\t["], r"@\{\s*\["),
    sign(65, "runs code of Ruby", &["file.open", "kernel.", "io.popen", "%x", "open3"], r#"\bfile\.open\s*\(\s*['"]/|\bkernel\.(?:exec|system|open|fork|spawn|eval)\b|\bio\.popen\b|%x[({\[]|\bopen3\."#),
    sign(65, "runs code of ASP", &["server.", "response.write", "execute(", "wscript"], r#"server\.(?:createobject|mappath|execute)\s*\(|response\.write\s*\(|\bexecute\s*\(\s*(?:request|['"])|wscript\.shell"#),
    sign(60, "runs code of Perl or Python from a shell", &["-e '", "-c '", "-e \"", "-c \"", "-r '"], r#"\b(?:perl|ruby|node|php|python\d?)\s+-[ecr]\s+['"]"#),
];
