// Published ways out of a container through its engine: each test is one class of them. docs/SECURITY.md lists all.
#include <gmock/gmock.h>

#include "engine/testing/fixture.h"
#include "image/tar_writer.h"
#include "image/testing/archives.h"
#include "image/testing/store_fixture.h"
#include "image/testing/tar_builder.h"
#include "tests/support/swapper.h"

namespace diatom::engine {
namespace {

using image::testing::TarBuilder;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr unsigned kExchanges = 2000;
constexpr unsigned kLeastRounds = 30;

class Escapes : public testing::EngineTest {
protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(sys::make_dirs(outside()));
        ASSERT_TRUE(sys::write_file(outside() + "/file", "the host's\n", 0600));
    }
    // A directory of the host that no container may reach.
    std::string outside() const { return home() + "/outside"; }

    void expect_untouched() {
        EXPECT_EQ(*sys::list_dir(outside()), std::vector<std::string>{"file"});
        EXPECT_EQ(*sys::read_file(outside() + "/file"), "the host's\n");
        const auto file = *sys::stat_path(outside() + "/file");
        EXPECT_EQ(file.st_mode, S_IFREG | 0600U);
        EXPECT_EQ(file.st_uid, 0U);
        EXPECT_EQ(sys::stat_path(outside())->st_mode & 07777U, 0755U);
    }

    // A container that runs, with /tmp/d/file; its root as the host sees it.
    std::string start_target(ContainerConfig config = {}) {
        id_ = create({"sh", "-c", "mkdir -p /tmp/d; echo inside > /tmp/d/file; touch /tmp/ready; exec sleep 1000"},
                     std::move(config));
        start(id_);
        const auto root = std::format("/proc/{}/root", engine().inspect(id_)->state.process.pid);
        run_until([&] { return sys::exists(root + "/tmp/ready"); });
        return root;
    }
    const std::string& id() const { return id_; }

    Result<void> put(const std::string& path, const std::string& archive) {
        auto file = sys::memory_file("archive", archive, false);
        EXPECT_EQ(::lseek(file->raw(), 0, SEEK_SET), 0);
        return run(engine().write_archive(id_, path, std::move(*file), {}));
    }
    Result<std::string> get(const std::string& path) {
        auto opened = TRY(run(engine().read_archive(id_, path)));
        return run([](ArchiveReader& source) -> Task<std::string> {
            std::string archive;
            for (;;) {
                auto made = co_await source.next();
                const auto piece = CO_TRY(std::move(made));
                if (piece.empty()) co_return archive;
                archive += piece;
            }
        }(*opened.reader));
    }
    // Repeats it while the names are exchanged; what it says is of no consequence, most rounds meet a link.
    void race(const std::string& directory, const std::function<void()>& attempt) {
        const test::Swapper swapper(directory, directory + "-link", outside());
        for (unsigned round = 0; round < kLeastRounds || !swapper.has_done(kExchanges); ++round) attempt();
    }

private:
    std::string id_;
};

// CVE-2018-15664: `docker cp` out of a container that exchanges a directory of the path for a link.
TEST_F(Escapes, CopyingOutReadsNoFileOfTheHost) {
    const auto root = start_target();
    unsigned read = 0;
    race(root + "/tmp/d", [&] {
        for (const char* path : {"/tmp/d/file", "/tmp/d", "/tmp/d/"}) {
            const auto archive = get(path);
            if (!archive) continue;
            EXPECT_THAT(*archive, Not(HasSubstr("the host's")));
            read += archive->contains("inside\n") ? 1 : 0;
        }
    });
    EXPECT_GT(read, 0U) << "it never met the directory";
    expect_untouched();
}

// CVE-2018-15664 the other way round, and CVE-2021-41089: `docker cp` that makes files, or changes owners and modes.
TEST_F(Escapes, CopyingInChangesNothingOfTheHost) {
    const auto root = start_target();
    TarBuilder tar;
    for (int i = 0; i < 100; ++i)
        tar.directory("d", 0777).file("d/file", "changed", {.mode = 0666, .uid = 7, .gid = 8});
    const auto archive = tar.finish();
    const auto one = TarBuilder().file("new", "x").file("file", "changed", {.mode = 0666, .uid = 7}).finish();
    race(root + "/tmp/d", [&] {
        (void)put("/tmp", archive);
        (void)put("/tmp/d", one);
    });
    expect_untouched();
}

// As above, for the file that the link leads to itself.
TEST_F(Escapes, CopyingInChangesNoModeThroughALink) {
    const auto root = start_target();
    TarBuilder tar;
    for (int i = 0; i < 200; ++i) tar.directory("m", 0777);
    const auto archive = tar.finish();
    const test::Swapper swapper(root + "/tmp/m", root + "/tmp/m-link", outside() + "/file");
    for (unsigned round = 0; round < kLeastRounds || !swapper.has_done(10 * kExchanges); ++round)
        (void)put("/tmp", archive);
    expect_untouched();
}

// CVE-2026-42306: the volumes of a container are mounted for `docker cp`, and a directory above one is exchanged.
TEST_F(Escapes, VolumesAreMountedForCopyingInTheContainerOnly) {
    ContainerConfig config;
    config.mounts.push_back({.kind = MountKind::volume, .source = "escapes", .target = "/parent/volume"});
    const auto root = start_target(std::move(config));
    const auto archive = TarBuilder().file("new", "x").finish();
    race(root + "/parent", [&] {
        (void)put("/parent/volume", archive);
        (void)run(engine().stat_path(id(), "/parent/volume/new"));
    });
    expect_untouched();
}

// CVE-2017-1002101, CVE-2021-25741: of a volume of which a container has a part, no more is shown, whatever link is
// there.
TEST_F(Escapes, OfAPartOfAVolumeNoMoreIsShown) {
    ContainerConfig config;
    config.mounts.push_back({.kind = MountKind::volume, .source = "parts", .target = "/whole"});
    const auto first =
        create({"sh", "-c", "mkdir /whole/part; echo all > /whole/file; ln -s " + outside() + " /whole/link"}, config);
    start(first);
    wait(first);
    config.mounts.front().target = "/part";
    config.mounts.front().subpath = "part";
    (void)start_target(config);
    ASSERT_TRUE(put("/part", TarBuilder().file("new", "x").finish()));
    EXPECT_TRUE(sys::exists(home() + "/root/volumes/parts/_data/part/new"));
    EXPECT_FALSE(get("/part/file"));
    config.mounts.front().subpath = "link";
    const auto third = create({"true"}, config);
    EXPECT_FALSE(run(engine().start(third)));
    EXPECT_FALSE(run(engine().read_archive(third, "/part/file")));
    expect_untouched();
}

// CVE-2019-14271 (libnss), CVE-2022-1227 (ps), CVE-2026-41567 (xz, unpigz): what the engine does for a container, it
// does without the container's programs.
TEST_F(Escapes, NoProgramOfTheContainerIsRun) {
    for (const char* name : {"ps", "nsenter", "tar", "gzip", "unpigz", "xz", "zstd", "ldconfig", "chroot"}) {
        const auto path = home() + "/layer/bin/" + name;
        ASSERT_TRUE(sys::write_file(path, "#!/bin/sh\ntouch /tmp/ran\n", 0755));
    }
    const auto root = start_target();
    const auto rows = run(engine().top(id(), ""));
    ASSERT_TRUE(rows) << rows.error().what();
    EXPECT_FALSE(rows->rows.empty());
    ASSERT_TRUE(put("/tmp", image::testing::gzip(TarBuilder().file("packed", "x").finish())));
    EXPECT_TRUE(sys::exists(root + "/tmp/packed"));
    EXPECT_TRUE(get("/tmp/packed"));
    EXPECT_TRUE(run(engine().export_container(id())));
    EXPECT_FALSE(sys::exists(root + "/tmp/ran"));
}

// CVE-2022-23648: a volume of the image begins with what the image has there, and the image has a link there.
TEST_F(Escapes, AVolumeBeginsWithFilesOfTheImageOnly) {
    const auto layer = home() + "/layer";
    ASSERT_EQ(::symlink(outside().c_str(), (layer + "/absolute").c_str()), 0);
    ASSERT_EQ(::symlink(("../../../../../../.." + outside()).c_str(), (layer + "/relative").c_str()), 0);
    for (const std::string& target :
         {std::string("/absolute"), std::string("/relative"), "/../../../../../.." + outside()}) {
        ContainerConfig config;
        config.volumes = {target};
        const auto text = run_to_end({"sh", "-c", "ls -R " + target + " /absolute /relative; cat " + target + "/file"},
                                     std::move(config));
        EXPECT_THAT(text, Not(HasSubstr("the host's")));
    }
    for (const auto& volume : engine().volumes()) EXPECT_TRUE(sys::list_dir(volume.mountpoint)->empty());
    expect_untouched();
}

// CVE-2026-55686: a working directory of the image that leads through a link, made where it is missing.
TEST_F(Escapes, TheWorkingDirectoryIsMadeInTheContainer) {
    ASSERT_EQ(::symlink(("/../../.." + outside()).c_str(), (home() + "/layer/link").c_str()), 0);
    ASSERT_TRUE(sys::make_dirs(home() + "/layer" + outside()));
    ContainerConfig config;
    config.working_dir = "/link/made";
    EXPECT_EQ(run_to_end({"pwd"}, std::move(config)), outside() + "/made\n");
    expect_untouched();
}

// CVE-2026-57231: a variable of the image without a value is not the engine's own.
TEST_F(Escapes, NoVariableOfTheEngineGetsIn) {
    ASSERT_EQ(::setenv("DIATOM_TEST_SECRET", "the host's", 1), 0);
    store().image().config.env = {"PATH=/bin", "DIATOM_TEST_SECRET", "DIATOM_TEST_*", "*", "DIATOM_TEST_SECRET*"};
    const auto text = run_to_end({"env"});
    EXPECT_THAT(text, HasSubstr("PATH=/bin"));
    EXPECT_THAT(text, Not(HasSubstr("the host's")));
    ::unsetenv("DIATOM_TEST_SECRET");
}

}  // namespace
}  // namespace diatom::engine
