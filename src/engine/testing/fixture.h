// An engine on a fake store and the real runtime: containers are real, on a busybox root. Needs root (skips otherwise).
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "engine/engine_impl.h"
#include "engine/testing/fake_init.h"
#include "engine/testing/fake_store.h"
#include "engine/testing/loop_driver.h"
#include "runtime/self.h"
#include "sys/file.h"

namespace diatom::engine::testing {

class EngineTest : public ::testing::Test, protected LoopDriver {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        ASSERT_TRUE(runtime::executor_path());
        std::string pattern = "/tmp/engine-test-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        home_ = pattern;
        make_layer();
        fds_before_ = sys::count_open_fds().value();
        init_ = std::make_unique<FakeInit>(home_);
        open();
    }
    void TearDown() override {
        if (home_.empty()) return;
        if (engine_) {
            for (const auto& container : engine_->containers())
                EXPECT_TRUE(run(engine_->remove(container.id, {.force = true})));
            EXPECT_EQ(init_->parked(), 0U) << "descriptors stay parked";
        }
        close();
        init_.reset();
        EXPECT_EQ(sys::count_open_fds().value(), fds_before_) << "descriptors leaked";
        EXPECT_TRUE(sys::remove_tree(home_));
    }

    virtual void adjust(EngineOptions&) {}
    void open() {
        loop_ = std::make_unique<asio::io_context>(1);
        EngineOptions options{.root = home_ + "/root", .run = home_ + "/run", .cgroup = "", .table = ""};
        options.init_program = DIATOM_CONTAINER_INIT;
        adjust(options);
        Parts parts;
        auto store = std::make_unique<FakeStore>(options.root, home_ + "/layer");
        store_ = store.get();
        parts.store = std::move(store);
        parts.launcher = Launcher::real();
        parts.bulk = std::make_unique<asio::thread_pool>(1);
        parts.supervisor = init_->supervisor();
        ASSERT_TRUE(sys::make_dirs(options.root));
        auto records = Records::open(options.root + "/engine.db");
        ASSERT_TRUE(records) << records.error().what();
        engine_ = std::make_unique<EngineImpl>(loop_->get_executor(), options, std::move(*records),
                                               std::make_unique<asio::thread_pool>(2), std::move(parts));
        auto restored = engine_->restore();
        ASSERT_TRUE(restored) << restored.error().what();
    }
    // As if the process had been killed: nothing is stopped, nothing is told.
    void close() {
        engine_.reset();
        loop_.reset();
    }
    void reopen() {
        close();
        open();
    }

    std::string create(std::vector<std::string> command, ContainerConfig config = {}, const std::string& name = "") {
        config.image = "busybox";
        config.cmd = std::move(command);
        auto created = run(engine_->create(name, std::move(config)));
        EXPECT_TRUE(created) << created.error().what();
        return created ? created->id : "";
    }
    void start(const std::string& id) {
        auto started = run(engine_->start(id));
        EXPECT_TRUE(started) << started.error().what();
    }
    int wait(const std::string& id, WaitCondition condition = WaitCondition::not_running) {
        auto ended = run(engine_->wait(id, condition, {}));
        EXPECT_TRUE(ended) << ended.error().what();
        return ended ? ended->exit_code : -1;
    }
    std::string logs(const std::string& id, LogQuery query = {}) {
        return run(read_logs(*engine_, id, query)).value_or("(no logs)");
    }
    std::unique_ptr<Attachment> attach(const std::string& id, AttachOptions options = {}) {
        auto attached = run(engine_->attach(id, options));
        EXPECT_TRUE(attached) << attached.error().what();
        return std::move(*attached);
    }
    // Everything until the end, or until `enough` has been seen.
    std::string read(Attachment& client, std::string enough = "") {
        return run([](Attachment& c, std::string wanted) -> Task<std::string> {
                   std::string text;
                   for (;;) {
                       auto read = co_await c.read();
                       const auto outputs = CO_TRY(std::move(read));
                       if (outputs.empty()) co_return text;
                       for (const auto& output : outputs) text += output.bytes;
                       if (!wanted.empty() && text.contains(wanted)) co_return text;
                   }
               }(client, std::move(enough)))
            .value_or("(no output)");
    }
    std::string run_to_end(std::vector<std::string> command, ContainerConfig config = {}) {
        const auto id = create(std::move(command), std::move(config));
        auto client = attach(id);
        start(id);
        return read(*client);
    }
    EngineImpl& engine() { return *engine_; }
    FakeStore& store() { return *store_; }
    FakeInit& init() { return *init_; }
    const std::string& home() const { return home_; }

private:
    void make_layer() {
        const std::string layer = home_ + "/layer";
        for (const char* dir : {"bin", "etc", "proc", "dev", "sys", "tmp", "root", "data"}) {
            ASSERT_TRUE(sys::make_dirs(layer + "/" + dir));
        }
        ASSERT_TRUE(sys::write_file(layer + "/bin/busybox", sys::read_file("/bin/busybox").value_or(""), 0755));
        for (const char* name :
             {"sh",    "echo", "cat",  "ls",  "id",  "env",  "hostname", "sleep", "true",  "false", "kill", "pwd",
              "touch", "dd",   "stty", "tty", "seq", "head", "tr",       "wc",    "mount", "grep",  "test", "rm"}) {
            ASSERT_EQ(::symlink("busybox", (layer + "/bin/" + name).c_str()), 0);
        }
        ASSERT_TRUE(sys::write_file(layer + "/etc/passwd",
                                    "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n"));
        ASSERT_TRUE(sys::write_file(layer + "/etc/group", "root:x:0:\nweb:x:1001:\n"));
        ASSERT_TRUE(sys::write_file(layer + "/etc/plain", "not a program\n", 0644));
        ASSERT_TRUE(sys::write_file(layer + "/data/seed", "seed\n"));
    }
    std::string home_;
    std::size_t fds_before_ = 0;
    std::unique_ptr<FakeInit> init_;
    std::unique_ptr<EngineImpl> engine_;
    FakeStore* store_ = nullptr;
};

}  // namespace diatom::engine::testing
