<#
    Collects what certcensus reads best: certificates of this machine with their key properties, as census/1 NDJSON.

    .\census.ps1 [-Folder PATH]       writes HOST_RUN.ndjson there (default: the folder at hand) and shows its name

    Windows PowerShell 5.1 and PowerShell 7, no compilation, nothing is changed on the machine. Keys are opened silently
    and never exported. Run it elevated for the machine's keys; run it as a user for that user's store. What PowerShell
    cannot ask for is written as null. Not yet run on Windows by its authors: compare the first results with certutil.
#>
param([string] $Folder = '.')

$ErrorActionPreference = 'Stop'
$run = [guid]::NewGuid().ToString()
$script:seq = 0
$counts = @{}
$started = [DateTime]::UtcNow
$computer = $env:COMPUTERNAME.ToUpperInvariant()
$path = Join-Path (Resolve-Path $Folder) ($computer + '_' + $run + '.ndjson')
$writer = New-Object IO.StreamWriter($path, $false, (New-Object Text.UTF8Encoding($false)))
$writer.NewLine = "`n"

function Write-Record([string] $Type, $Fields) {
    $record = [ordered] @{ schema = 'census/1'; type = $Type; run = $run; seq = $script:seq; host = $computer }
    foreach ($name in $Fields.Keys) { $record[$name] = $Fields[$name] }
    $script:seq++
    $counts[$Type] = 1 + [int] $counts[$Type]
    $writer.WriteLine((ConvertTo-Json $record -Compress -Depth 6))
}

function Write-Failure([string] $Stage, $Failure) {
    $code = '{0:x8}' -f $Failure.Exception.HResult
    Write-Record 'error' ([ordered] @{ stage = $Stage; hresult = $code; message_display = $Failure.Exception.Message; path = $null })
}

function Get-Hex([byte[]] $Bytes) { -join ($Bytes | ForEach-Object { $_.ToString('x2') }) }

function Get-Value([string] $Key, [string] $Name) {
    $item = Get-ItemProperty -Path $Key -Name $Name -ErrorAction SilentlyContinue
    if ($null -eq $item) { return $null }
    $item.$Name
}

# The machine.
$system = Get-CimInstance Win32_ComputerSystem -ErrorAction SilentlyContinue
$os = Get-CimInstance Win32_OperatingSystem -ErrorAction SilentlyContinue
$product = Get-CimInstance Win32_ComputerSystemProduct -ErrorAction SilentlyContinue
$tpm = Get-CimInstance -Namespace root/cimv2/Security/MicrosoftTpm -ClassName Win32_Tpm -ErrorAction SilentlyContinue
$guard = Get-CimInstance -Namespace root/Microsoft/Windows/DeviceGuard -ClassName Win32_DeviceGuard -ErrorAction SilentlyContinue
$identity = [Security.Principal.WindowsIdentity]::GetCurrent()
$elevated = (New-Object Security.Principal.WindowsPrincipal($identity)).IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
$version = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
$cryptography = 'HKLM:\SOFTWARE\Microsoft\Cryptography'
$fqdn = $null
if ($system -and $system.PartOfDomain) { $fqdn = ($system.DNSHostName + '.' + $system.Domain).ToLowerInvariant() }
$codePage = 'HKLM:\SYSTEM\CurrentControlSet\Control\Nls\CodePage'
Write-Record 'client' ([ordered] @{
    fqdn = $fqdn
    domain = $(if ($system -and $system.PartOfDomain) { $system.Domain })
    machine_guid = Get-Value $cryptography 'MachineGuid'
    smbios_uuid = $(if ($product) { $product.UUID })
    collected_utc = $started.ToString('yyyy-MM-ddTHH:mm:ssZ')
    collector = 'census.ps1'
    collector_version = '1'
    ps_version = $PSVersionTable.PSVersion.ToString()
    os_caption_display = $(if ($os) { $os.Caption })
    os_version = $(if ($os) { $os.Version })
    arch = $env:PROCESSOR_ARCHITECTURE
    ui_culture = (Get-UICulture).Name
    oem_cp = [int] (Get-Value $codePage 'OEMCP')
    ansi_cp = [int] (Get-Value $codePage 'ACP')
    elevated = $elevated
    user_sid = $(if ($identity.IsSystem) { $null } else { $identity.User.Value })
    tpm_present = $(if ($elevated) { $null -ne $tpm })
    tpm_ready = $(if ($tpm) { [bool] $tpm.IsActivated_InitialValue -and [bool] $tpm.IsEnabled_InitialValue })
    tpm_spec = $(if ($tpm) { $tpm.SpecVersion })
    vbs_running = $(if ($guard) { $guard.VirtualizationBasedSecurityStatus -eq 2 })
    calais_disable_capi_override = Get-Value ($cryptography + '\Calais') 'DisableCapiOverrideForRSA'
    ubr = Get-Value $version 'UBR'
})

# Registered providers: CSPs from the registry with their types, key storage providers from the system's configuration.
foreach ($key in Get-ChildItem ($cryptography + '\Defaults\Provider') -ErrorAction SilentlyContinue) {
    Write-Record 'provider' ([ordered] @{
        name = $key.PSChildName; api = 'capi'; prov_type = $key.GetValue('Type'); impl_flags = $null; impl_api = $null
        impl_status = $null; image = $key.GetValue('Image Path')
    })
}
$local = 'HKLM:\SYSTEM\CurrentControlSet\Control\Cryptography\Providers'
foreach ($key in Get-ChildItem $local -ErrorAction SilentlyContinue) {
    # A key storage provider registers the functions of key storage (interface 00010001).
    if (-not (Test-Path ($key.PSPath + '\UM\00010001'))) { continue }
    Write-Record 'provider' ([ordered] @{
        name = $key.PSChildName; api = 'cng'; prov_type = $null; impl_flags = $null; impl_api = $null; impl_status = $null
        image = (Get-Value ($key.PSPath + '\UM') 'Image')
    })
}

# Property 2 as it is stored: certutil prints it without opening the key. Its words are translated and its order is not:
# container, provider, type, flags and key spec stand below the property's own name, each behind ' = '.
function Get-KeyProperty([string] $Location, [string] $Store, [string] $Thumbprint) {
    $arguments = @('-v', '-silent')
    if ($Location -eq 'CurrentUser') { $arguments += '-user' }
    $values = @()
    $inside = $false
    foreach ($line in (certutil.exe @arguments -store $Store $Thumbprint)) {
        if ($line -match '^\s*CERT_\w+_PROP_ID\((\d+)\)') { $inside = $Matches[1] -eq '2'; continue }
        if ($inside -and $line -match '^\s+[^=:]+\s=\s?(.*)$') { $values += $Matches[1].Trim() }
    }
    $numbers = @($values | Select-Object -Skip 2 -First 3 | ForEach-Object { if ($_ -match '^([0-9a-f]{1,8})\b') { [Convert]::ToUInt32($Matches[1], 16) } })
    # Anything else is not understood, and then nothing is claimed.
    if ($values.Count -lt 5 -or $numbers.Count -ne 3) { return $null }
    [ordered] @{ container = $values[0]; provider = $values[1]; prov_type = $numbers[0]; flags = $numbers[1]; key_spec = $numbers[2] }
}

# An attempt to open the key. The .NET class of the key tells nothing: PowerShell 7 hands out RSACng for both interfaces.
function Get-Attempt($Certificate) {
    $opened = [ordered] @{ hresult = '00000000'; key_spec = $null }
    try {
        $key = [Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($Certificate)
        if ($null -eq $key) { $key = [Security.Cryptography.X509Certificates.ECDsaCertificateExtensions]::GetECDsaPrivateKey($Certificate) }
    } catch {
        $opened.hresult = '{0:x8}' -f $_.Exception.HResult
        return $opened
    }
    if ($null -eq $key) { return $null }
    $key.Dispose()
    return $opened
}

# Certificates. Each distinct one is sent once; later ones only name it.
$sent = @{}
$sha256 = [Security.Cryptography.SHA256]::Create()
$places = @('LocalMachine')
if (-not $identity.IsSystem) { $places += 'CurrentUser' }
foreach ($location in $places) {
    foreach ($store in Get-ChildItem ('Cert:\' + $location) -ErrorAction SilentlyContinue) {
        foreach ($certificate in Get-ChildItem ('Cert:\' + $location + '\' + $store.Name) -ErrorAction SilentlyContinue) {
            try {
                $hash = Get-Hex $sha256.ComputeHash($certificate.RawData)
                $property = $null
                $attempt = $null
                if ($certificate.HasPrivateKey) {
                    $property = Get-KeyProperty $location $store.Name $certificate.Thumbprint
                    $attempt = Get-Attempt $certificate
                }
                $der = $null
                if (-not $sent.ContainsKey($hash)) {
                    $der = [Convert]::ToBase64String($certificate.RawData)
                    $sent[$hash] = $true
                }
                $fields = [ordered] @{
                    store_location = $location
                    store = $store.Name
                    sid = $(if ($location -eq 'CurrentUser') { $identity.User.Value })
                    sha1 = $certificate.Thumbprint.ToLowerInvariant()
                    sha256 = $hash
                    der = $der
                    archived = $certificate.Archived
                    friendly_name_display = $(if ($certificate.FriendlyName) { $certificate.FriendlyName })
                }
                # Null would say that there is no key property; a key that cannot be told of is left out.
                if ($null -ne $property -or -not $certificate.HasPrivateKey) { $fields['key_prov_info'] = $property }
                if ($null -ne $attempt) { $fields['acquire'] = $attempt }
                Write-Record 'certificate' $fields
            } catch {
                Write-Failure 'certificate' $_
            }
        }
    }
}

# Bindings of http.sys, by the shape of netsh's lines, whatever their language.
$endpoint = $null
$hash = $null
foreach ($line in (netsh.exe http show sslcert)) {
    $at = $line.IndexOf(' : ')
    if ($at -lt 0) { continue }
    $value = $line.Substring($at + 3).Trim(' ', ':')
    if ($value -match '^[^\s{}]+:\d{1,5}$') { $endpoint = $value; $hash = $null }
    elseif ($value -match '^[0-9a-fA-F]{40}$' -and $endpoint) { $hash = $value.ToLowerInvariant() }
    elseif ($value -match '^\{[0-9a-fA-F-]{36}\}$' -and $endpoint -and $hash) {
        $cut = $endpoint.LastIndexOf(':')
        Write-Record 'binding' ([ordered] @{
            kind = 'http.sys'; endpoint = $endpoint; port = [int] $endpoint.Substring($cut + 1); sha1 = $hash; app_id = $value.ToLowerInvariant()
        })
        $endpoint = $null
    }
}

$total = [ordered] @{}
foreach ($name in ($counts.Keys | Sort-Object)) { $total[$name] = $counts[$name] }
Write-Record 'end' ([ordered] @{ counts = $total; duration_ms = [int] ([DateTime]::UtcNow - $started).TotalMilliseconds })
$writer.Close()
$path
