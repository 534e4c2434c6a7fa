"""Expressions and statements that chat templates use, for chat_templates.py: `m` is the message below."""

# As JSON text: its numbers have kinds, all their digits and their order of keys.
MESSAGE = """{"role": "user", "content": "  Hé 😀 it's\\n\\"x\\"\\t\\u00a0", "n": null, "t": true, "i": 5, "neg": -7,
"big": 9007199254740993, "one": 1.0, "small": 1e-7, "large": 1e16, "third": 0.1, "words": "hello WORLD it's (ok) a-b",
"think": "<think>\\n a \\n</think>\\n\\n  b  \\n", "list": ["a", null, true, 1.5, {"k": "it's"}], "empty": [],
"map": {"b": 1, "10": 2, "9": 3.0, "items": 4, "Z": "z"}, "none": {}, "odd": "\\ufeff\\u0085 a\\u200b\\\\ \\u2028",
"calls": [{"name": "one", "on": true, "f": {"name": "x"}}, {"name": "Two", "on": false, "f": {"name": "y"}},
{"name": "two", "f": {"name": "x"}}], "args": "{\\"b\\": 1.0}", "lines": "a\\nb\\n\\n c\\r\\nd\\n"}"""

VALUES = """
true | none | m.n | m.t | false | m.i | m.neg | m.big | m.one | m.small | m.large | m.third
m.list | m.empty | m.map | m.none | m.calls | (1, 'a') | [m.odd] | ['\\'"', '"', "'"] | {'a': 1, 'b': [none]}
m.missing | [m.missing] | m.list[1] | m.map['10'] | 1.0 | 100000000000000000.0 | 0.0001 | 0.00001 | 1.5 | -0.0 | -7
7 / 2 | 4 / 2 | 7 // 2 | -7 // 2 | -7 % 3 | 7 % -3 | 7 % 3 | -7.5 % 2 | 6 % 3 | -6 % 3 | 2 ** 3 | 2 ** -1 | 1 / 0 | 1 % 0
9007199254740991 + 0 | m.one + m.i | 'a' ~ none | 'a' ~ true ~ 1.0 | 1 ~ 2 | m.list ~ '' | 'a' ~ m.map
'a' ~ m.missing | 'a' + 1 | 1 + 'a' | 'a' + none | 'a' + m.map | 'a' + m.missing | 'a' + 'b' | [1] + ['a'] | 'a' ~ m.big
m.n or 'x' | m.empty or none | m.t and m.one | not m.n | 'x' if m.missing | 'x' if m.t else 'y' | m.missing.x | m.n.x
m.i.x | m.content.x | m.list.length | m.content.length | m.list[9] | m.missing['x'] | m['content'][3] | m.content[-1]
m.content[5] | m.content[2:6] | m.content[::-1] | m.list[1:] | m.list[::-1] | m.list[-2:] | m.list[:-1][0]
'1' == 1 | 1 == 1.0 | true == 1 | '' == 0 | '' == false | m.missing == none | m.missing == m.absent | none == false
m.list == m.list | m.calls[0] == m.calls[1] | [1, 'a'] == [1.0, 'a'] | {'a': [1]} == {'a': [1]}
m.calls[0] != m.calls[0] | m.calls[0].f == m.calls[2].f | 0 == m.n | '5' != m.i
none in m.list | 1 in [true] | '1' in [1] | {'k': "it's"} in m.list | 'x' in m.missing | 'b' in m.map | 'q' not in m.map
'it' in m.content | 'a' not in m.list | m.missing in [1] | 1.5 in m.list | 'a' in none | 1 in 'a' | 1 < 2 | 1.5 >= m.one
m.map['items'] | m.map.b | m.map.get('b') | m.map.get('q') | m.map.get('q', 'd') | m.map.Z
m.map.keys() \\| list | m.map.values() \\| list | m.map.items() \\| list \\| length | m.map \\| list | m.map \\| length
"""

FILTERS = """
m.list | string ;; m.n | string ;; m.t | string ;; m.one | string ;; m.map | string ;; m.missing | string ;; m.i | string
m.list | tojson ;; m.map | tojson ;; m.odd | tojson ;; m.n | tojson ;; m.missing | tojson ;; m.small | tojson
m.map | tojson(sort_keys=true) ;; m.list | tojson(indent=2) ;; m.map | tojson(indent=0) ;; m.map | tojson(4)
m.map | tojson(separators=(',', ':')) ;; m.content | tojson(ensure_ascii=true) ;; m.list | tojson(indent='\\t')
m.calls | tojson(indent=1, separators=(',', ':')) ;; m.none | tojson(indent=2) ;; m.big | tojson ;; m.large | tojson
m.calls | tojson(indent=4) ;; [] | tojson(indent=4) ;; m | tojson ;; m.calls | tojson(sort_keys=true, indent=2)
m.list | join ;; m.list | join(', ') ;; [1, 2.0, none] | join('-') ;; 'abc' | join('-') ;; m.map | join(',') ;; [] | join(',')
m.calls | join(', ', attribute='name') ;; m.calls | map(attribute='name') | join(', ') ;; m.missing | join(',')
m.calls | join(attribute='f.name', d='+') ;; m.list | join(d='|') ;; m.list | join(1)
m.content | trim ;; m.odd | trim ;; 'xxaxx' | trim('x') ;; m.i | trim ;; m.content | length ;; m.list | length ;; m.i | length
m.missing | length ;; m.list | count ;; m.missing | default('d') ;; m.n | default('d') ;; m.n | default('d', true)
m.n | default(default_value='e', boolean=true) ;; m.missing | d('x') ;; m.missing | default ;; '' | default('a', boolean=true)
m.words | title ;; m.words | capitalize ;; m.words | upper ;; m.words | lower ;; true | lower ;; m.n | upper ;; '' | capitalize
'12' | int ;; '12abc' | int ;; '1.9' | int ;; 'x' | int(7) ;; -1.5 | int ;; none | int ;; true | int ;; ' 3 ' | int ;; m.big | int
'9007199254740993' | int ;; '1.5' | float ;; 'x' | float ;; 3 | float ;; '1e3' | float ;; '1.5x' | float ;; '' | int
m.lines | indent ;; m.lines | indent(2, true) ;; m.lines | indent(2, blank=true) ;; m.lines | indent('--') ;; 'a\\nb' | indent(first=true)
m.list | first ;; m.empty | first ;; m.list | last ;; 'abc' | first ;; 'ab😀' | last ;; m.empty | last ;; m.map | first
'abc' | list ;; m.missing | list ;; ['a', 'A', 'b', 'a'] | unique | list ;; [1, 1.0, true, 2] | unique | list
m.calls | selectattr('on') | list ;; m.calls | selectattr('on', 'defined') | list ;; m.calls | selectattr('on', 'undefined') | list
m.calls | rejectattr('on') | list | length ;; m.calls | selectattr('f.name', 'equalto', 'x') | list | length
m.calls | selectattr('name', 'in', ['one', 'two']) | map(attribute='name') | list ;; m.calls | selectattr('on', 'eq', true) | list
m.calls | rejectattr('name', 'equalto', 'one') | map(attribute='f.name') | join ;; m.calls | selectattr('on', 'ne', true) | list | length
m.calls | map(attribute='on', default='q') | list ;; m.calls | map(attribute='name') | list ;; m.calls | map(attribute='on') | list
m.map | dictsort ;; ['b', 'A', 'c'] | sort ;; ['b', 'A', 'c'] | sort(reverse=true) ;; m.calls | sort(attribute='name') | map(attribute='name') | list
[3, 1, 2] | sort ;; m.list | reverse | list ;; m.list | safe ;; -3 | abs ;; m.content | replace('H', 'J') ;; m.words | replace('l', 'L', 2)
m.map | items | list | length ;; 'a' | string | length ;; m.none | length ;; m.i | string | length ;; m.map | tojson | length
m.words.title() ;; m.words.capitalize() ;; m.words.upper() ;; m.content.strip() ;; m.think.strip('\\n') ;; m.odd.strip()
m.think.split('</think>')[-1].lstrip('\\n') ;; m.think.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n')
'xyaxy'.strip('yx') ;; 'aXa'.rstrip('a') ;; '😀a😀'.strip('😀') ;; m.words.split() ;; m.words.split(' ', 1) ;; 'a,b,c'.split(',')[1:]
m.words.startswith('hello') ;; m.words.endswith(('b', 'c')) ;; m.words.replace('l', '') ;; m.words.replace('l', 'L', 1) ;; m.content.lstrip()
'a' in m.calls | map(attribute='name') | list ;; m.list | tojson ~ 'x' ;; (m.list | string) ~ 'x' ;; m.lines.split('\\n')
"""

TESTS = """
string number integer float boolean none defined undefined mapping iterable sequence true false lower upper callable
"""
TESTED = ["m.content", "m.i", "m.one", "m.t", "m.n", "m.missing", "m.list", "m.map", "(1, 2)", "'abc'", "'ABC'", "'12'", "m.neg"]

STATEMENTS = [
    "{% for i in [1, 2, 3] %}a{{ i }}{% if i == 2 %}{% continue %}{% endif %}b{% endfor %}",
    "{% for i in [1, 2, 3] %}a{{ i }}{% if i == 2 %}c{% break %}{% endif %}b{% else %}none{% endfor %}",
    "{% for i in [1] %}a{% break %}{% else %}none{% endfor %}|{% for i in [1] %}{% continue %}{% else %}none{% endfor %}",
    "{% for i in [1, 2] %}{% for j in [1, 2] %}{{ i }}{{ j }}{% if j == 1 %}{% break %}{% endif %}{% endfor %}-{% endfor %}",
    "{% for i in [] %}x{% else %}none{% endfor %}",
    "{% set x = 0 %}{% for i in [1, 2] %}{{ x }}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}",
    "{% for i in [1, 2] %}{% if i == 1 %}{% set seen = true %}{% endif %}{{ seen }},{% endfor %}{{ seen }}",
    "{% set ns = namespace(n=none, l=[]) %}{% for i in [1, 2] %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.l }}{{ ns.n }}",
    "{% macro f(a, b=1) %}[{{ a }}{{ b }}{{ i }}]{% endmacro %}{% for i in [1, 2] %}{{ f(i) }}{{ f(none, b='x') }}{% endfor %}",
    "{% macro f(a) %}{% if a %}{{ f(a - 1) }}{% endif %}{{ a }}{% endmacro %}{{ f(3) }}{{ f(none) }}",
    "{% macro f() %}<{{ caller() }}>{% endmacro %}{% call f() %}{{ none }}{% endcall %}",
    "{% set x = 1 %}{% macro f() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ f() }}",
    "{% for k, v in m.map.items() %}{{ loop.index0 }}{{ k }}={{ v }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for k, v in m.map | items %}{{ k }}{{ v }}{% endfor %}{% for k in m.map %}{{ k }}{% endfor %}",
    "{% for k, v in m.map | dictsort %}{{ k }}{{ v }} {% endfor %}",
    "{% for c in m.calls if c.on %}{{ c.name }}{{ loop.length }}{{ loop.first }}{{ loop.revindex }}{% endfor %}",
    "{% for c in m.calls %}{{ loop.previtem.name if loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}",
    "{% for c in m.missing %}x{% else %}none{% endfor %}",
    "{% for c in m.n %}x{% endfor %}",
    "{% for c in 'ab' %}{{ c }}{% endfor %}",
    "{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}",
    "{% filter upper %}a{{ none }}{% endfilter %}{% set x %}b{{ true }}{% endset %}{{ x }}{{ x is string }}",
    "a {% generation %} b {% endgeneration %} c\n  {%- generation -%}  d\n {% endgeneration %}\ne",
    "  {% if true %}\n  a\n  {% endif %}\n  {{- 'b' }}  \n {{ 'c' -}} \n d {#- x -#} e\n",
    "\n  {%- for i in [1, 2] %}\n    {{- i }}\n  {%- endfor %}\n\n x {# y #}\n z\n\n",
    "{% set a, b = [1, none] %}{{ a }}{{ b }}{% if a is not none and b is none %}yes{% endif %}",
    "{{ '\\n\\t\\\\\\'\\u00e9\\x41' }}{{ \"it's\" 'two' }}",
    "{{ m.n }}{{ m.content }}{{ m.one }}{{- m.args }}{{ '```json' + '\\n' + m.args + '\\n' + '```' }}",
    "{{ 'a' if m.calls | length > 2 else 'b' }}{{ m.calls | length == 3 }}{{ loop is defined }}",
    "{% if m.content is iterable and m.content is not mapping and m.content is not string %}parts{% else %}text{% endif %}",
]


def snippets():
    lines = [part for line in VALUES.strip().splitlines() for part in line.replace("\\|", "\0").split(" | ")]
    expressions = [part.replace("\0", "|").strip() for part in lines]
    expressions += [part.strip() for line in FILTERS.strip().splitlines() for part in line.split(" ;; ")]
    expressions += [f"{value} is {test}" for test in TESTS.split() for value in TESTED]
    expressions += [f"{value} is {test}" for test in ("odd", "even") for value in ("m.i", "m.neg", "m.list")]
    return ["{{ " + expression.replace("\\\\", "\\") + " }}" for expression in expressions] + STATEMENTS
