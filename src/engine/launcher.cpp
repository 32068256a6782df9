#include "engine/launcher.h"

namespace diatom::engine {
namespace {

class RuntimeLaunched final : public Launched {
public:
    explicit RuntimeLaunched(runtime::Created created) : created_(std::move(created)) {}
    sys::ProcessId process() const override { return created_.process(); }
    Fd take_pidfd() override { return created_.take_pidfd(); }
    Fd take_terminal() override { return created_.take_terminal(); }
    Result<void> start() override { return created_.start(); }

private:
    runtime::Created created_;
};

class RuntimeLauncher final : public Launcher {
public:
    Result<std::unique_ptr<Launched>> launch(const runtime::Spec& spec, const runtime::Stdio& stdio) override {
        return std::make_unique<RuntimeLaunched>(TRY(runtime::launch(spec, stdio)));
    }
    Result<std::unique_ptr<Launched>> exec(const sys::ProcessId& target, const runtime::Spec& container,
                                           const runtime::Process& process, const runtime::Stdio& stdio) override {
        return std::make_unique<RuntimeLaunched>(TRY(runtime::exec(target, container, process, stdio)));
    }
};

}  // namespace

std::unique_ptr<Launcher> Launcher::real() { return std::make_unique<RuntimeLauncher>(); }

int exit_code_of_failure(const Error& error) {
    if (error.kind() == Kind::not_found) return 127;
    return error.kind() == Kind::denied ? 126 : 128;
}

}  // namespace diatom::engine
