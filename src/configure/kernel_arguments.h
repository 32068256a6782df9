// What the kernel is started with, from the next boot on. Thread side: any.
#pragma once

#include "configure/apply.h"

namespace diatom::configure {

// Adds to the plan what makes `kernel_arguments` true, where they are not.
void plan_kernel_arguments(const Value& machine, const Root& root, Plan& plan);

}  // namespace diatom::configure
