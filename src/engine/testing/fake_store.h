// An image store with one image, "busybox", whose only layer is a directory. Root file systems are real (overlayfs).
#pragma once

#include <mutex>
#include <set>

#include "image/store.h"
#include "sys/file.h"

namespace diatom::engine::testing {

class FakeStore final : public image::Store {
public:
    FakeStore(std::string root, std::string layer) : root_(std::move(root)), layer_(std::move(layer)) {
        image_.id = image::Digest::of("busybox");
        image_.tags = {"docker.io/library/busybox:latest"};
        image_.config.cmd = {"sh"};
        image_.config.env = {"PATH=/bin", "FROM=image"};
    }
    image::ImageRecord& image() { return image_; }

    Result<bool> has_blob(const image::Digest&) override { return none(); }
    Result<std::string> read_blob(const image::Digest&, std::size_t) override { return none(); }
    std::shared_ptr<image::Lease> lease() override { return std::make_shared<FakeLease>(); }
    Result<std::shared_ptr<image::IncomingBlob>> receive_blob(const image::Descriptor&) override { return none(); }
    Result<void> put_blob(const image::Digest&, std::string_view) override { return none(); }
    Result<bool> has_layer(const image::Digest&) override { return none(); }
    Result<void> unpack_layer(const std::shared_ptr<image::IncomingBlob>&, const image::Digest&,
                              const image::ProgressSink&, const std::atomic<bool>*) override {
        return none();
    }
    Result<image::SizedSource> open_layer(const image::Digest&) override { return none(); }
    Result<image::Digest> add_layer(const std::function<Result<void>(image::ByteSink&)>&, image::Lease&) override {
        return none();
    }
    Result<std::string> layer_note(const image::Digest&, const std::string&) override { return none(); }
    Result<void> put_layer_note(const image::Digest&, const std::string&, std::string_view) override { return none(); }
    Result<std::map<image::Digest, std::uint64_t>> layer_sizes() override { return none(); }
    Result<image::ImageRecord> add_image(const image::Digest&, const image::Digest&, const std::string&,
                                         const std::string&) override {
        return none();
    }
    Result<image::ImageRecord> find(const std::string& name) override {
        if (name == "busybox" || name == image_.id.text()) return image_;
        return fail(Kind::not_found, "nothing is named {}", name);
    }
    Result<std::vector<image::ImageRecord>> list() override { return std::vector{image_}; }
    Result<void> tag(const image::Digest&, const image::Reference&) override { return none(); }
    Result<Removed> remove(const std::string&, bool, const std::vector<image::Digest>&) override { return none(); }
    Result<std::vector<std::string>> load(FdRef, const image::ProgressSink&) override { return none(); }

    Result<image::RootFs> create_rootfs(const std::string& container, const image::Digest&) override {
        const auto paths = paths_of(container);
        for (const auto& path : {paths.upper, paths.work, paths.merged}) TRY(sys::make_dirs(path));
        return paths;
    }
    Result<image::RootFs> rootfs(const std::string& container) override {
        if (!sys::exists(paths_of(container).directory))
            return fail(Kind::not_found, "no root file system of {}", container);
        return paths_of(container);
    }
    Result<void> remove_rootfs(const std::string& container) override {
        return sys::remove_tree(paths_of(container).directory);
    }
    Result<std::uint64_t> rootfs_size(const std::string&) override { return std::uint64_t{0}; }
    Result<void> recover(const std::vector<Root>&) override { return {}; }
    Result<Findings> check(const std::vector<std::string>&, Activity) override { return Findings(); }
    Result<void> collect(image::Leftovers) override { return {}; }

private:
    struct FakeLease final : image::Lease {
        void hold(const image::Digest&) override {}
    };
    static Failure none() { return fail(Kind::unsupported, "not in this fake"); }
    image::RootFs paths_of(const std::string& container) const {
        const std::string directory = root_ + "/rootfs/" + container;
        return {.directory = directory,
                .lower = {layer_},
                .upper = directory + "/upper",
                .work = directory + "/work",
                .merged = directory + "/merged"};
    }
    std::string root_, layer_;
    image::ImageRecord image_;
};

}  // namespace diatom::engine::testing
