// A fixture that runs containers on a busybox root file system. Needs root; leaves nothing behind and checks that no
// descriptor stays open.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/strings.h"
#include "proc/spawn.h"
#include "runtime/runtime.h"
#include "runtime/self.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace diatom::runtime::testing {

struct Outcome {
    int code = -1;      // shell convention
    std::string out;    // standard output and error
    std::string error;  // of launch or start, empty when both worked
    Kind kind = Kind::bug;
};

// The root file system that every test's own is linked from.
inline const std::string& template_root() {
    static const std::string kRoot = [] {
        std::string root = "/tmp/runtime-template";
        for (const char* dir : {"bin", "etc", "proc", "dev", "sys", "tmp", "root"}) {
            std::ignore = sys::make_dirs(root + "/" + dir);
        }
        // In one step: tests that run beside this one link from it.
        const auto busybox = sys::read_file("/bin/busybox");
        std::ignore = sys::write_file_atomic(root + "/bin/busybox", busybox.value_or(""), 0755);
        return root;
    }();
    return kRoot;
}

class ContainerTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        template_root();
        ASSERT_TRUE(executor_path());
        std::string pattern = "/tmp/runtime-test-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        home_ = pattern;
        make_root(home_ + "/root");
        open_before_ = sys::count_open_fds().value();
    }
    void TearDown() override {
        if (home_.empty()) return;
        EXPECT_EQ(sys::count_open_fds().value(), open_before_) << "descriptors leaked";
        EXPECT_TRUE(sys::remove_tree(home_));
    }

    static void make_root(const std::string& root) {
        for (const char* dir : {"bin", "etc", "proc", "dev", "sys", "tmp", "root"}) {
            ASSERT_TRUE(sys::make_dirs(root + "/" + dir));
        }
        ASSERT_EQ(::link((template_root() + "/bin/busybox").c_str(), (root + "/bin/busybox").c_str()), 0);
        for (const char* name :
             {"sh",    "echo",  "cat",   "ls",     "id",      "env",      "hostname", "mount", "stat",
              "grep",  "sleep", "true",  "false",  "kill",    "pwd",      "touch",    "mkdir", "head",
              "wc",    "tty",   "stty",  "ps",     "unshare", "readlink", "umask",    "test",  "dd",
              "mknod", "ln",    "nproc", "sysctl", "chmod",   "mv",       "rm"}) {
            ASSERT_EQ(::symlink("busybox", (root + "/bin/" + name).c_str()), 0) << name;
        }
        ASSERT_TRUE(
            sys::write_file(root + "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/:/bin/sh\n"));
        ASSERT_TRUE(sys::write_file(root + "/etc/group", "root:x:0:\nweb:x:1001:\nextra:x:2000:web\n"));
    }

    std::string root() const { return home_ + "/root"; }
    const std::string& home() const { return home_; }

    Spec spec(std::vector<std::string> args) const {
        Spec spec = default_spec();
        spec.id = home_.substr(home_.rfind('/') + 1);  // names the cgroup: no two tests may share it
        spec.root.path = root();
        spec.process.args = std::move(args);
        spec.process.env = {"PATH=/bin"};
        return spec;
    }
    Spec shell(const std::string& script) const { return spec({"sh", "-c", script}); }

    static std::string read_to_end(FdRef fd) {
        std::string text;
        char buffer[4096];
        for (ssize_t got = 0; (got = ::read(fd.raw(), buffer, sizeof buffer)) > 0;)
            text.append(buffer, static_cast<std::size_t>(got));
        return text;
    }

    // Starts what was made, reads its output to the end and takes its status.
    static Outcome finish(Result<Created> created, Fd reader, Fd writer) {
        writer.reset();
        Outcome outcome;
        const auto failed = [&](const Error& error) {
            outcome.error = error.what();
            outcome.kind = error.kind();
            return outcome;
        };
        if (!created) return failed(created.error());
        const Fd terminal = created->take_terminal();
        if (const auto started = created->start(); !started) return failed(started.error());
        outcome.out = read_to_end(terminal ? FdRef(terminal) : FdRef(reader));
        const auto status = sys::wait_exit(created->pidfd());
        outcome.code = status ? status->shell_code() : -1;
        return outcome;
    }

    static Outcome run(const Spec& spec, const std::string& input = "") {
        auto [reader, writer] = sys::make_pipe().value();
        auto in = sys::memory_file("input", input, false).value();
        auto created = launch(spec, {.in = in, .out = writer, .err = writer});
        return finish(std::move(created), std::move(reader), std::move(writer));
    }

    static Outcome run_in(const Created& container, const Spec& spec, Process process) {
        auto [reader, writer] = sys::make_pipe().value();
        if (process.env.empty()) process.env = {"PATH=/bin"};
        auto created = exec(container.process(), spec, process, {.out = writer, .err = writer});
        return finish(std::move(created), std::move(reader), std::move(writer));
    }

    // A started container, killed and reaped when it goes out of scope.
    class Running {
    public:
        explicit Running(const Spec& spec) : created_(launch(spec, {}).value()) { EXPECT_TRUE(created_.start()); }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() {
            std::ignore = sys::send_signal(created_.pidfd(), SIGKILL);
            std::ignore = sys::wait_exit(created_.pidfd());
        }
        const Created& created() const { return created_; }

    private:
        Created created_;
    };

private:
    std::string home_;
    std::size_t open_before_ = 0;
};

}  // namespace diatom::runtime::testing
