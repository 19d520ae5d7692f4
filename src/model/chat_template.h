/* SPDX-License-Identifier: MIT */
/* Which chat template a Jinja text is. */
#ifndef WHET_MODEL_CHAT_TEMPLATE_H
#define WHET_MODEL_CHAT_TEMPLATE_H

#include <whet/chat.h>

/* The known template whose distinguishing lines stand in the text, or WHET_CHAT_NONE. */
whet_chat_template whet_chat_template_of(const char *text, size_t bytes);

#endif
