// The seam between the engine and the runtime, so that unit tests run the engine on ordinary processes. Thread side: a
// worker thread.
#pragma once

#include <memory>

#include "base/error.h"
#include "runtime/runtime.h"

namespace diatom::engine {

// A process that is set up and waits; destroyed before start(): it is gone.
class Launched {
public:
    virtual ~Launched() = default;
    virtual sys::ProcessId process() const = 0;
    virtual Fd take_pidfd() = 0;
    virtual Fd take_terminal() = 0;
    virtual Result<void> start() = 0;
};

class Launcher {
public:
    virtual ~Launcher() = default;
    virtual Result<std::unique_ptr<Launched>> launch(const runtime::Spec& spec, const runtime::Stdio& stdio) = 0;
    virtual Result<std::unique_ptr<Launched>> exec(const sys::ProcessId& target, const runtime::Spec& container,
                                                   const runtime::Process& process, const runtime::Stdio& stdio) = 0;
    static std::unique_ptr<Launcher> real();
};

// What a program that cannot be executed exits with, as Docker's: 127 not found, 126 not executable, 128 anything else.
int exit_code_of_failure(const Error& error);

}  // namespace diatom::engine
