// The push of one image to one repository. Source: OCI distribution-spec 1.1, "Push". Layers travel as gzip; one that
// the registry has (by HEAD) or can mount from another of its repositories is not sent. When every layer is there in
// the form in which the image once came, its own manifest is put, so that its digest stays.
// Thread side: the registry client's executor; archives are read and compressed on `workers`.
#pragma once

#include <boost/asio/thread_pool.hpp>

#include "image/registry.h"
#include "image/registry_session.h"

namespace diatom::image {

// What we accept for a manifest, as the Accept header says it.
inline constexpr const char* kAcceptManifest =
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

Task<Pushed> push_image(RegistrySession& session, Store& store, boost::asio::thread_pool::executor_type workers,
                        Reference reference, ImageRecord image, ProgressSink progress);

// What the registry has under the reference: of an index its platforms, of an image the configuration's.
Task<Described> describe_image(RegistrySession& session, Reference reference);

// The tags of the session's repository. Source: "Listing Tags"; a long list comes in pages.
Task<std::vector<std::string>> list_tags(RegistrySession& session);

}  // namespace diatom::image
