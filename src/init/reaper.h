// Reaping: PID 1 inherits every orphan. Thread side: PID 1's loop.
#pragma once

#include <functional>

#include "sys/process.h"

namespace diatom::init {

// Reaps every child that has ended and tells who it was. The start time is read while the zombie still holds its pid.
void reap_children(const std::function<void(const sys::ProcessId&, const sys::ExitStatus&)>& ended);

}  // namespace diatom::init
