/* SPDX-License-Identifier: MIT */
/* The machine as the system describes it, for neighbours and tests. */
#ifndef WHET_PLATFORM_MACHINE_H
#define WHET_PLATFORM_MACHINE_H

#include <whet/machine.h>

#include "platform/topology.h"

/* Like whet_machine_read, from the files below root, with these processors to use. Missing or
 * senseless files leave their facts at 0 or at the plainest machine. topology may be NULL. */
void whet_machine_read_at(const char *root, const whet_cpuset *usable, whet_machine *machine,
                          whet_topology *topology);

#endif
