/**
 * Chat templates in the manner of well-known ones, in few words: their system prompts, special tokens, dates and trimming are
 * where programs differ.
 */
export const chatTemplates = {
  /** ChatML with a system prompt of its own, as SmolLM2. */
  chatml:
    "{% for message in messages %}{% if loop.first and message.role != 'system' %}<|im_start|>system\nYou are tiny.<|im_end|>\n{% endif %}" +
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}" +
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
  /** BOS, headers, a system message with the date of today, trimmed messages, as Llama 3. */
  llama3:
    "{{ bos_token }}<|header|>system<|/header|>\n\nToday: {{ strftime_now('%d %b %Y') }}\n\n" +
    "{% if messages[0].role == 'system' %}{{ messages[0].content | trim }}{% set messages = messages[1:] %}{% endif %}<|im_end|>" +
    "{% for message in messages %}<|header|>{{ message.role }}<|/header|>\n\n{{ message.content | trim }}<|im_end|>{% endfor %}" +
    "{% if add_generation_prompt %}<|header|>assistant<|/header|>\n\n{% endif %}",
  /** BOS, the system message within the first question, another name of the assistant, as Gemma. */
  gemma:
    "{{ bos_token }}{% set start = '' %}{% if messages[0].role == 'system' %}{% set start = messages[0].content + '\n\n' %}{% set messages = messages[1:] %}{% endif %}" +
    "{% for message in messages %}{% set role = 'model' if message.role == 'assistant' else message.role %}" +
    "<|im_start|>{{ role }}\n{% if loop.first %}{{ start }}{% endif %}{{ message.content | trim }}<|im_end|>\n{% endfor %}" +
    "{% if add_generation_prompt %}<|im_start|>model\n{% endif %}",
  /** No system message, and the reasoning of earlier answers dropped. */
  thinking:
    "{% for message in messages %}{% if message.role == 'system' %}{{ raise_exception('no system message') }}{% endif %}" +
    "<|im_start|>{{ message.role }}\n{{ message.content if loop.last else message.content.split('</think>')[-1] }}<|im_end|>\n{% endfor %}" +
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
} as const;
