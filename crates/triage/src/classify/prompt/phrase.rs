//! Ways to talk to a language model, as patterns and as words.
//!
//! Each pattern has in front what must stand in a text that it matches, so that most texts are settled without it ([`super::near`]).

/// Ways to say it, each with words of which one stands in whatever the pattern matches, written without blanks and signs: `a|b c|d` are
/// `ac`, `ad`, `bc` and `bd`. Where there are none, the pattern needs a sign that [`super::near`] looks for, or a character that is
/// not ASCII.
///
/// The patterns are matched in lower case, with look-alikes, invisible characters and spacing undone.
pub(super) const PHRASES: &[(&str, &str)] = &[
    // Orders to forget.
    (
        "instruction|prompt|guideline|directive",
        r"\b(?:ignore|disregard|forget|override|bypass|skip|neglect|overlook|drop)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|preceding|all|any|your|the|these|those|system|initial|original|foregoing)\b[^.\n]{0,30}\b(?:instructions?|prompts?|guidelines?|directives?)\b",
    ),
    (
        "ignore|disregard|forget",
        r"\b(?:ignore|disregard|forget)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|preceding|your|initial|original|foregoing)\b[^.\n]{0,30}\b(?:rules?|directions?|context|commands?|polic(?:y|ies)|constraints?|programming|training)\b",
    ),
    (
        "ignore|disregard|forget",
        r"\b(?:ignore|disregard|forget)\s+(?:everything|all|anything|what)\s+(?:above|before|previous|prior|said|that\s+came|you\s+(?:were|have\s+been)\s+told)",
    ),
    (
        "donot follow|obey|apply",
        r"\bdo\s+not\s+(?:follow|obey|apply)\s+(?:the\s+|your\s+|any\s+)?(?:previous|prior|above|system|original)\s+(?:instructions?|rules?|prompts?)",
    ),
    (
        "instruction",
        r"\b(?:new|updated|revised|real|actual)\s+(?:system\s+)?instructions?\s*(?::|are\b|follow\b|from\b)",
    ),
    (
        "end|beginning|start of the| log|untrusted|data|alert|input|prompt|system",
        r"\b(?:end|beginning|start)\s+of\s+(?:the\s+)?(?:log|logs|untrusted|data|alert|input|prompt|system\s+prompt)\b[^.\n]{0,40}\b(?:instructions?|assistant|analyst|now|new)\b",
    ),
    // Another role.
    (
        "youare now|nolonger",
        r"\byou\s+are\s+(?:now|no\s+longer)\s+(?:a|an|the|in|my|going|free|dan|operating|bound|acting|required)\b",
    ),
    (
        "act|behave|respond|answer|pretend|roleplay as if|though|a",
        r"\b(?:act|behave|respond|answer|pretend|roleplay)\s+as\s+(?:if\s+you\s+(?:are|were)|though|a\s+(?:helpful|different|new|unrestricted|benign)|an?\s+(?:ai|assistant|language\s+model|llm))\b",
    ),
    (
        "developer|debug|maintenance|jailbreak|god|dan|admin mode",
        r"\b(?:developer|debug|maintenance|jailbreak|god|dan|admin)\s+mode\s+(?:is\s+)?(?:enabled|activated|on\b|unlocked)",
    ),
    (
        "prompt|instruction",
        r"\b(?:reveal|print|show|repeat|output|leak|dump|tell\s+me)\b[^.\n]{0,30}\b(?:your|the)\s+(?:system\s+|initial\s+|hidden\s+|original\s+|secret\s+)?(?:prompt|instructions)\b",
    ),
    (
        "system prompt|message|override|instruction|note|notice",
        r"\bsystem\s+(?:prompt|message|override|instruction|note|notice)\s*(?::|\]|>|=|--)",
    ),
    (
        "dear|hello|hey|hi|attention|noteto|messageto|messagefor|instructionto|instructionsto|instructionfor|instructionsfor the| ai|llm|chatgpt|gpt|claude|gemini|llama|languagemodel|assistant|analystmodel|socai|socassistant|model",
        r"\b(?:dear|hello|hey|hi|attention|note\s+to|message\s+(?:to|for)|instructions?\s+(?:to|for))\s+(?:the\s+)?(?:ai|llm|chatgpt|gpt|claude|gemini|llama|language\s+model|assistant|analyst\s+model|soc\s+(?:ai|assistant)|model)\b",
    ),
    (
        "as|if a|an|youarea|youarean ai|llm|largelanguagemodel|languagemodel",
        r"\b(?:as|if)\s+(?:an?|you\s+are\s+an?)\s+(?:ai|llm|large\s+language\s+model|language\s+model|ai\s+(?:assistant|analyst))\b",
    ),
    // The wished verdict.
    (
        "as|to|is a|an| benign|falsepositive|harmless|safe|notmalicious|nonmalicious|informational|legitimate|resolved|trusted|nothreat|lowrisk|lowseverity|lowpriority",
        r"\b(?:mark|classify|flag|label|treat|rate|report|consider|categori[sz]e|score|set|close|dismiss|record)\b[^.\n]{0,50}\b(?:as|to|is)\s+(?:a\s+|an\s+)?(?:benign|false[\s_-]?positive|harmless|safe\b|not\s+malicious|non-?malicious|informational|legitimate|resolved|trusted|no\s+threat|low\s+(?:risk|severity|priority))",
    ),
    (
        "threat|severity|risk|alert|danger level|score",
        r"\b(?:threat|severity|risk|alert|danger)[\s_-]?(?:level|score)\s*(?:is|should\s+be|must\s+be|to|=|:)\s*['\x22]?(?:0\b|zero\b|none\b|benign\b)",
    ),
    (
        "threat|severity|risk|danger is|shouldbe|mustbe",
        r"\b(?:threat|severity|risk|danger)\s+(?:is|should\s+be|must\s+be)\s+(?:0\b|zero\b|none\b|benign\b)",
    ),
    (
        "threat|severity|risk",
        r"\b(?:set|lower|reduce|change|return|output|respond\s+with|give)\b[^.\n]{0,30}\b(?:threat|severity|risk)[\s_-]?(?:level|score)?\b[^.\n]{0,20}\b(?:0|zero|1|one|low|none|minimum|minimal)\b",
    ),
    (
        "authorised|authorized|approved|known|confirmed|verified pen|security|false|benign|test|safe|scan",
        r"\b(?:this|the)\s+(?:alert|event|log|request|activity|traffic|incident|user|ip)\s+(?:is|was)\s+(?:a\s+)?(?:part\s+of\s+)?(?:an?\s+)?(?:authori[sz]ed|approved|known|confirmed|verified)\s+(?:penetration|pen|security|false|benign|test|safe|scan)",
    ),
    (
        "donot|dont|never|noneedto report|alert|escalate|flag|mention|notify|investigate|raise",
        r"\b(?:do\s+not|don'?t|never|no\s+need\s+to)\s+(?:report|alert|escalate|flag|mention|notify|investigate|raise)\b[^.\n]{0,40}\b(?:this|it|anyone|incident|alert|analyst|attack|request|ip|the\s+(?:soc|admin|team|user))\b",
    ),
    (
        "respond|reply|answer|output only| with|in",
        r"\b(?:respond|reply|answer|output)\s+(?:only\s+)?(?:with|in)\s+(?:only\s+)?(?:the\s+)?(?:following\s+)?(?:json|'|\x22|\{|benign|safe|no\b|yes\b|the\s+word)",
    ),
    // The marks of roles.
    (
        "imstart|imend|startheaderid|endheaderid|eotid|beginoftext|endofturn|startofturn|endoftext|toolcall",
        r"<\|\s*/?\s*(?:system|assistant|user|\w{1,20}_\w{1,20}|endoftext)\s*\|>|<\|?\s*/?\s*(?:im_start|im_end|start_header_id|end_header_id|eot_id|begin_of_text|end_of_turn|start_of_turn|end_of_text|fim_\w+|tool_call)\s*\|?>",
    ),
    (
        "startofturn|endofturn",
        r"\[/?inst\]|<</?sys>>|\[/?system\]|\[/?assistant\]|<start_of_turn>|<end_of_turn>|</?s>\s*\[",
    ),
    (
        "",
        r"(?:^|\n|\\n|\s)#{2,}\s*(?:system|assistant|instructions?|response|human|user)\b\s*(?::|\n|\\n|$|prompt|\w)",
    ),
    ("assistant:|system:|human:", r"(?:^|\n|\\n)\s*(?:assistant|system|human)\s*:\s*\S"),
    (
        "systemprompt|untrusted|logdata|alertdata|instruction|toolresult|functioncall|antml",
        r"</?(?:system_prompt|system-prompt|untrusted\w*|log_data|alert_data|instructions?|tool_result|function_calls?|antml\w*)>",
    ),
    (
        "threatlevel|verdict|ismalicious|falsepositive|aianalysis",
        r"[{,]\s*\\?['\x22]?(?:threat_?level|verdict|is_?malicious|false_?positive|ai_analysis|ai_verdict)\\?['\x22]\s*:\s*\\?['\x22]?(?:[01]\b|none\b|benign\b|low\b|false\b|true\b|safe\b|info\b|harmless\b|no\b)",
    ),
    // Other languages.
    (
        "ignorier|vergiss|vergessensie|missachte",
        r"\b(?:ignorier\w*|vergiss|vergessen\s+sie|missachte\w*)\b[^.\n]{0,40}\b(?:anweisung\w*|instruktion\w*|regeln|vorgaben|befehle?)",
    ),
    (
        "instruction|consigne|regles|directives",
        r"\b(?:ignor[ea]z?|oublie[zr]?|ne\s+tiens\s+pas\s+compte)\b[^.\n]{0,40}\b(?:instructions?|consignes?|r[e\u{e8}]gles|directives)\b",
    ),
    (
        "instrucciones|ordenes|reglas|instrucoes|regras",
        r"\b(?:ignora|ignore|olvida|desobedece|esquece?|desconsidere)\b[^.\n]{0,40}\b(?:instrucciones|[o\u{f3}]rdenes|reglas|instru[c\u{e7}][o\u{f5}]es|regras)\b",
    ),
    (
        "istruzioni|regole|direttive",
        r"\b(?:ignora|dimentica|trascura)\b[^.\n]{0,40}\b(?:istruzioni|regole|direttive)\b",
    ),
    (
        "instructies|regels|opdrachten|instrukcj|polece",
        r"\b(?:negeer|vergeet)\b[^.\n]{0,40}\b(?:instructies|regels|opdrachten)\b|\b(?:zignoruj|zapomnij)\b[^.\n]{0,40}\b(?:instrukcj|polece)",
    ),
    (
        "",
        "(?:\u{438}\u{433}\u{43d}\u{43e}\u{440}\u{438}\u{440}\u{443}\u{439}|\u{437}\u{430}\u{431}\u{443}\u{434}\u{44c}).{0,60}(?:\u{438}\u{43d}\u{441}\u{442}\u{440}\u{443}\u{43a}\u{446}|\u{443}\u{43a}\u{430}\u{437}\u{430}\u{43d}\u{438}|\u{43f}\u{440}\u{430}\u{432}\u{438}\u{43b})",
    ),
    (
        "",
        "(?:\u{5ffd}\u{7565}|\u{65e0}\u{89c6}|\u{7121}\u{8996}|\u{5fd8}\u{8bb0}|\u{5fd8}\u{6389}).{0,20}(?:\u{6307}\u{4ee4}|\u{6307}\u{793a}|\u{63d0}\u{793a}|\u{89c4}\u{5219}|\u{8bf4}\u{660e})",
    ),
    (
        "",
        "(?:\u{7121}\u{8996}|\u{5fd8}\u{308c}|\u{7121}\u{52b9}).{0,12}(?:\u{3057}\u{3066}|\u{3066})|(?:\u{6307}\u{793a}|\u{547d}\u{4ee4}|\u{30d7}\u{30ed}\u{30f3}\u{30d7}\u{30c8}).{0,8}(?:\u{7121}\u{8996}|\u{5fd8}\u{308c})",
    ),
    (
        "",
        "(?:\u{bb34}\u{c2dc}).{0,20}|(?:\u{c774}\u{c804}|\u{c9c0}\u{c2dc}).{0,12}\u{bb34}\u{c2dc}",
    ),
    (
        "",
        "(?:\u{62a}\u{62c}\u{627}\u{647}\u{644}|\u{627}\u{646}\u{633}\u{649}).{0,40}(?:\u{62a}\u{639}\u{644}\u{64a}\u{645}\u{627}\u{62a}|\u{623}\u{648}\u{627}\u{645}\u{631})",
    ),
    (
        "als|comme|como|come harmlos|ungefahrlich|fehlalarm|falschpositiv|benin|fauxpositif|benign|falsopositivo|inofensivo|innocuo",
        r"\b(?:als|comme|como|come)\s+(?:harmlos|ungef[a\u{e4}]hrlich|fehlalarm|falsch[\s-]positiv|b[e\u{e9}]nin|faux\s+positif|benign[oa]|falso\s+positivo|inofensivo|innocuo)\b",
    ),
];

/// Words without blanks, for text whose spacing was undone altogether.
pub(super) const JOINED: &[&str] = &[
    "ignoreallprevious",
    "ignorepreviousinstruction",
    "ignoretheprevious",
    "ignoreallinstruction",
    "ignoreyourinstruction",
    "ignoreaboveinstruction",
    "ignoretheabove",
    "ignorepriorinstruction",
    "disregardprevious",
    "disregardallprevious",
    "disregardtheabove",
    "forgetprevious",
    "forgetallprevious",
    "forgetyourinstruction",
    "youarenowa",
    "markthisasbenign",
    "markasbenign",
    "markthisalertasbenign",
    "classifythisasbenign",
    "classifyasbenign",
    "markasfalsepositive",
    "markthisasfalsepositive",
    "threatlevel0",
    "threatlevelzero",
    "newsysteminstruction",
    "systemprompt:",
    "ignoreprevious",
];
