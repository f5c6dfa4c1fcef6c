"""What transformers makes of the templates here: chats.json.

    python make_chats.py           (in its own folder; transformers 5.23.0)

The templates are restatements with the constructs of those that models of the names
come with; their own sentences are replaced by ours.
"""

import json
import os

from transformers.utils.chat_template_utils import render_jinja_template

HERE = os.path.dirname(os.path.abspath(__file__))
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}


def turn(role, content):
    return {"role": role, "content": content}


CHATS = {
    "question": [turn("user", "What is 3 + 4?")],
    "system": [turn("system", "  Be brief.\n"), turn("user", "Why?")],
    "turns": [
        turn("user", "  One?  "),
        turn("assistant", "<think>\nhmm\n</think>\n\nOne."),
        turn("user", "Two <b>&\"bold\"</b> 'quotes'?\n"),
    ],
    "answered": [
        turn("system", "Think."),
        turn("user", "Three?"),
        turn("assistant", "<think>\nlet me\nsee\n</think>\n\nThree.\n"),
    ],
    "system-later": [turn("user", "Hi"), turn("system", "Now be terse.")],
    "tool": [turn("user", "Call"), turn("tool", "{\"a\": 1}"), turn("tool", "2"), turn("user", "So?")],
    "wrapped": [turn("user", "Q"), turn("assistant", "A"), turn("user", "<tool_response>\nx\n</tool_response>"), turn("assistant", "<think>t</think>B")],
    "unicode": [turn("user", "Größe 数学 \U0001f600 \\frac{1}{2}")],
    "empty": [turn("user", "")],
    "none": [],
    "controls": [turn("skip", "x"), turn("user", "it's here"), turn("stop", "y"), turn("user", "z")],
}
TOOLS = [{"function": {"name": "add", "parameters": {"a": "int", "b": "<int>"}}, "type": "function"}]
CASES = []
for template in sorted(f[:-6] for f in os.listdir(HERE) if f.endswith(".jinja")):
    source = open(os.path.join(HERE, template + ".jinja")).read()
    for chat, messages in CHATS.items():
        for prompt in [False, True]:
            settings = [{}]
            if template == "qwen3":
                settings.append({"enable_thinking": False})
            if template == "qwen2.5":
                settings.append({"tools": TOOLS})
            if template == "llama3":
                settings = [{"date_string": "01 Feb 2025"}]
            for variables in settings:
                others = {k: v for k, v in variables.items() if k != "tools"}
                try:
                    shown, _ = render_jinja_template(
                        [messages], chat_template=source, add_generation_prompt=prompt,
                        tools=variables.get("tools"), **TOKENS, **others,
                    )
                    text, refused = shown[0], None
                except Exception as error:
                    text, refused = None, str(error)
                CASES.append({
                    "template": template, "chat": chat, "messages": messages, "prompt": prompt,
                    "variables": variables, "text": text, "refused": refused,
                })

if __name__ == "__main__":
    with open(os.path.join(HERE, "chats.json"), "w") as file:
        json.dump(CASES, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(len(CASES), "cases,", sum(c["text"] is None for c in CASES), "refused")
    for c in CASES:
        if c["refused"]: print(c["template"], c["chat"], c["refused"])
