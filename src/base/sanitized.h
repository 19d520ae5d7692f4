/* SPDX-License-Identifier: MIT */
/* Whether AddressSanitizer or ThreadSanitizer is in this build. */
#ifndef WHET_BASE_SANITIZED_H
#define WHET_BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WHET_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WHET_IS_SANITIZED 1
#endif
#endif
#ifndef WHET_IS_SANITIZED
#define WHET_IS_SANITIZED 0
#endif

#endif
